//! The component's own variables: `spin:variables@3.0.0`, `fermyon:spin/variables@2.0.0`.

use wasmtime::component::{Accessor, HasSelf};

use super::bindings::wasip2::fermyon::spin::variables as v2;
use super::bindings::wasip3::spin::variables::variables as v3;
use super::instance::InstanceState;
use crate::spin::names::VariableName;

impl InstanceState {
    fn variable(&self, name: String) -> Result<String, v3::Error> {
        let name = VariableName::try_from(name).map_err(|error| v3::Error::InvalidName(error.to_string()))?;
        let value = self.application.variables.get(name.as_str()).cloned();
        value.ok_or_else(|| v3::Error::Undefined(format!("the component has no variable \"{}\"", name.as_str())))
    }
}

impl v3::Host for InstanceState {}

impl v3::HostWithStore<InstanceState> for HasSelf<InstanceState> {
    async fn get(
        accessor: &Accessor<InstanceState, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, v3::Error>> {
        Ok(accessor.with(|mut access| access.get().variable(name)))
    }
}

impl v2::Host for InstanceState {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, v2::Error>> {
        Ok(self.variable(name).map_err(|error| match error {
            v3::Error::InvalidName(text) => v2::Error::InvalidName(text),
            v3::Error::Undefined(text) => v2::Error::Undefined(text),
            v3::Error::Provider(text) => v2::Error::Provider(text),
            v3::Error::Other(text) => v2::Error::Other(text),
        }))
    }
}
