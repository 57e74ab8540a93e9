//! `spin:variables`: the component's own variables.

use wasmtime::component::{Accessor, HasSelf};

use super::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use super::instance::InstanceState;
use crate::spin::names::VariableName;

impl Host for InstanceState {}

impl HostWithStore<InstanceState> for HasSelf<InstanceState> {
    async fn get(accessor: &Accessor<InstanceState, Self>, name: String) -> wasmtime::Result<Result<String, Error>> {
        Ok(accessor.with(|mut access| match VariableName::try_from(name) {
            Err(error) => Err(Error::InvalidName(error.to_string())),
            Ok(name) => access
                .get()
                .application
                .variables
                .get(name.as_str())
                .cloned()
                .ok_or_else(|| Error::Undefined(format!("the component has no variable \"{}\"", name.as_str()))),
        }))
    }
}
