//! The host side of Spin's interfaces, generated from `wit/`.

/// Those that a component of WASI 0.3 imports.
pub mod wasip3 {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "larder:local/host",
        imports: { default: async | trappable },
        with: { "spin:redis/redis.connection": crate::runtime::redis::Connection },
    });
}

/// Those that a component of WASI 0.2 imports.
pub mod wasip2 {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "larder:local/host-wasip2",
        imports: { default: async | trappable },
        with: { "fermyon:spin/redis.connection": crate::runtime::redis::Connection },
    });
}
