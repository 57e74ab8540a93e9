//! The host side of Spin's interfaces, generated from `wit/`.

wasmtime::component::bindgen!({
    path: "wit",
    world: "larder:local/host",
    imports: { default: async | trappable },
    with: { "spin:redis/redis.connection": super::redis::Connection },
});
