// The guest of rust.wit, its bindings by hand. Memory is Rust's own allocator's: arguments arrive as boxes made by
// cabi_realloc, results are leaked and taken back by their post-return.
#![crate_type = "cdylib"]

use std::alloc::{alloc, handle_alloc_error, realloc, Layout};

#[export_name = "cabi_realloc"]
pub unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    if size == 0 {
        return align as *mut u8;
    }
    let fresh = if old_size == 0 {
        alloc(Layout::from_size_align_unchecked(size, align))
    } else {
        realloc(old, Layout::from_size_align_unchecked(old_size, align), size)
    };
    if fresh.is_null() {
        handle_alloc_error(Layout::from_size_align_unchecked(size, align));
    }
    fresh
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Point {
    x: f64,
    y: f64,
}

/// A string or list<T> as the Canonical ABI lays it out.
#[repr(C)]
pub struct Slice<T> {
    ptr: *mut T,
    len: usize,
}

impl<T> Slice<T> {
    fn leak(v: Vec<T>) -> Self {
        let b = Box::leak(v.into_boxed_slice());
        Slice { ptr: b.as_mut_ptr(), len: b.len() }
    }

    unsafe fn take(self) -> Vec<T> {
        Vec::from_raw_parts(self.ptr, self.len, self.len)
    }
}

impl Slice<u8> {
    unsafe fn take_string(self) -> String {
        String::from_utf8_unchecked(self.take())
    }
}

/// option<T>, or result<T, E> as far as both have one form.
#[repr(C)]
pub struct Tagged<T> {
    tag: u8,
    value: T,
}

#[export_name = "test:rust/geometry@1.0.0#scale"]
pub extern "C" fn scale(x: f64, y: f64, by: f64) -> *const Point {
    Box::leak(Box::new(Point { x: x * by, y: y * by }))
}

#[export_name = "cabi_post_test:rust/geometry@1.0.0#scale"]
pub unsafe extern "C" fn post_scale(result: *mut Point) {
    drop(Box::from_raw(result));
}

#[export_name = "test:rust/geometry@1.0.0#centre"]
pub unsafe extern "C" fn centre(ptr: *mut Point, len: usize) -> *const Tagged<Point> {
    let points = Slice { ptr, len }.take();
    let n = points.len() as f64;
    let sum = points.iter().fold(Point { x: 0.0, y: 0.0 }, |s, p| Point { x: s.x + p.x, y: s.y + p.y });
    Box::leak(Box::new(Tagged { tag: !points.is_empty() as u8, value: Point { x: sum.x / n, y: sum.y / n } }))
}

#[export_name = "cabi_post_test:rust/geometry@1.0.0#centre"]
pub unsafe extern "C" fn post_centre(result: *mut Tagged<Point>) {
    drop(Box::from_raw(result));
}

#[export_name = "greet"]
pub unsafe extern "C" fn greet(ptr: *mut u8, len: usize) -> *const Slice<u8> {
    let name = Slice { ptr, len }.take_string();
    Box::leak(Box::new(Slice::leak(format!("Hello, {name}, from Rust!").into_bytes())))
}

#[export_name = "cabi_post_greet"]
pub unsafe extern "C" fn post_greet(result: *mut Slice<u8>) {
    drop(Box::from_raw(result).take());
}

#[export_name = "sum"]
pub unsafe extern "C" fn sum(ptr: *mut u32, len: usize) -> u64 {
    Slice { ptr, len }.take().iter().map(|&n| n as u64).sum()
}

#[export_name = "longest"]
pub unsafe extern "C" fn longest(ptr: *mut Slice<u8>, len: usize) -> *const Tagged<Slice<u8>> {
    let words: Vec<String> = Slice { ptr, len }.take().into_iter().map(|w| w.take_string()).collect();
    let mut best: Option<String> = None;
    for word in words {
        if best.as_ref().map_or(true, |b| word.chars().count() > b.chars().count()) {
            best = Some(word);
        }
    }
    let tag = best.is_some() as u8;
    Box::leak(Box::new(Tagged { tag, value: Slice::leak(best.unwrap_or_default().into_bytes()) }))
}

#[export_name = "cabi_post_longest"]
pub unsafe extern "C" fn post_longest(result: *mut Tagged<Slice<u8>>) {
    drop(Box::from_raw(result).value.take());
}

/// result<s64, string>: both payloads lie at offset 8.
#[repr(C)]
pub union Parsed {
    ok: i64,
    err: std::mem::ManuallyDrop<Slice<u8>>,
}

#[export_name = "parse"]
pub unsafe extern "C" fn parse(ptr: *mut u8, len: usize) -> *const Tagged<Parsed> {
    let text = Slice { ptr, len }.take_string();
    let result = match text.trim().parse::<i64>() {
        Ok(n) => Tagged { tag: 0, value: Parsed { ok: n } },
        Err(e) => {
            let message = Slice::leak(format!("{text:?}: {e}").into_bytes());
            Tagged { tag: 1, value: Parsed { err: std::mem::ManuallyDrop::new(message) } }
        }
    };
    Box::leak(Box::new(result))
}

#[export_name = "cabi_post_parse"]
pub unsafe extern "C" fn post_parse(result: *mut Tagged<Parsed>) {
    let result = Box::from_raw(result);
    if result.tag == 1 {
        drop(std::mem::ManuallyDrop::into_inner(result.value.err).take());
    }
}

#[export_name = "sort"]
pub unsafe extern "C" fn sort(ptr: *mut Slice<u8>, len: usize) -> *const Slice<Slice<u8>> {
    let mut words: Vec<String> = Slice { ptr, len }.take().into_iter().map(|w| w.take_string()).collect();
    words.sort();
    let words = words.into_iter().map(|w| Slice::leak(w.into_bytes())).collect();
    Box::leak(Box::new(Slice::leak(words)))
}

#[export_name = "cabi_post_sort"]
pub unsafe extern "C" fn post_sort(result: *mut Slice<Slice<u8>>) {
    for word in Box::from_raw(result).take() {
        drop(word.take());
    }
}
