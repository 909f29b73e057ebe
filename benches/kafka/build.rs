//! Compiles the C loop with the system's compiler against the librdkafka that `rdkafka-sys` has built and links.

fn main() {
    let root = std::env::var("DEP_RDKAFKA_ROOT").expect("`rdkafka-sys` says where it built librdkafka");
    println!("cargo:rerun-if-changed=c/loop.c");
    cc::Build::new()
        .file("c/loop.c")
        .include(format!("{root}/src"))
        .opt_level(3)
        .warnings(true)
        .extra_warnings(true)
        // Of librdkafka's own header.
        .flag_if_supported("-Wno-ignored-qualifiers")
        .compile("loop");
}
