//! The C loop, and the clocks that only C can ask.

#![expect(unsafe_code, reason = "what is measured here is C")]

use std::ffi::{CString, c_char, c_int};

use crate::load::{HEADERS, KEY, Load, Sum};

#[repr(C)]
struct CHeader {
    name: *const c_char,
    value: *const c_char,
}

unsafe extern "C" {
    safe fn c_cpu_us() -> i64;
    safe fn c_thread_cpu_us() -> i64;
    fn c_consume(
        settings: *const *const c_char,
        n_settings: usize,
        topic: *const c_char,
        n_partitions: i32,
        n: u64,
        reads_headers: c_int,
        sum: *mut Sum,
    ) -> c_int;
    fn c_produce(
        settings: *const *const c_char,
        n_settings: usize,
        topic: *const c_char,
        n_partitions: i32,
        n: u64,
        values: *const *const c_char,
        n_values: usize,
        len: usize,
        key: *const c_char,
        headers: *const CHeader,
        n_headers: usize,
    ) -> c_int;
}

/// User and system time of all threads, in microseconds.
pub(crate) fn cpu_us() -> i64 {
    c_cpu_us()
}

/// The time of this thread alone.
pub(crate) fn thread_cpu_us() -> i64 {
    c_thread_cpu_us()
}

/// Texts of C's, and where they are.
struct Texts(Vec<CString>);

impl Texts {
    fn of<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Self {
        Self(texts.into_iter().map(|text| CString::new(text).expect("no text here holds a zero byte")).collect())
    }

    fn places(&self) -> Vec<*const c_char> {
        self.0.iter().map(|text| text.as_ptr()).collect()
    }
}

fn settings(load: &Load, ours: &[(&str, &str)]) -> Texts {
    let all = load.settings(ours);
    Texts::of(all.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]))
}

/// Takes the records by `rd_kafka_consume_batch_queue`.
pub(crate) fn consume(load: &Load, ours: &[(&str, &str)], reads_headers: bool) -> Result<Sum, String> {
    let settings = settings(load, ours);
    let settings = settings.places();
    let topic = CString::new(load.topic.as_str()).map_err(|error| error.to_string())?;
    let mut sum = Sum::default();
    // SAFETY: all texts end with a zero and live through the call; there are twice as many as settings; `Sum` has C's layout.
    let failed = unsafe {
        c_consume(
            settings.as_ptr(),
            settings.len() / 2,
            topic.as_ptr(),
            load.n_partitions,
            load.n,
            reads_headers.into(),
            &raw mut sum,
        )
    };
    if failed == 0 { Ok(sum) } else { Err("the C loop failed".to_owned()) }
}

/// Writes the records by `rd_kafka_produce_batch`, or one by one if they have headers.
pub(crate) fn produce(load: &Load, ours: &[(&str, &str)], has_headers: bool) -> Result<(), String> {
    let settings = settings(load, ours);
    let settings = settings.places();
    let topic = CString::new(load.topic.as_str()).map_err(|error| error.to_string())?;
    let key = CString::new(KEY).map_err(|error| error.to_string())?;
    let bodies = load.values();
    let values: Vec<*const c_char> = bodies.iter().map(|value| value.as_ptr().cast()).collect();
    let texts = Texts::of(HEADERS.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]));
    let headers = texts.places();
    let headers: Vec<CHeader> = headers.chunks(2).map(|pair| CHeader { name: pair[0], value: pair[1] }).collect();
    // SAFETY: as for `consume`; values are as long as is said, and C only reads them.
    let failed = unsafe {
        c_produce(
            settings.as_ptr(),
            settings.len() / 2,
            topic.as_ptr(),
            load.n_partitions,
            load.n,
            values.as_ptr(),
            values.len(),
            load.size,
            key.as_ptr(),
            headers.as_ptr(),
            if has_headers { headers.len() } else { 0 },
        )
    };
    if failed == 0 { Ok(()) } else { Err("the C loop failed".to_owned()) }
}
