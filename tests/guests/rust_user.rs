// The guest of the world `rust-user` of types.wit: Rust that uses a component in C. Memory is Rust's own allocator's, as
// in rust.rs; what an import returns is made by cabi_realloc and taken over.
#![crate_type = "cdylib"]
#![allow(improper_ctypes)] // char is passed as the 32 bits that it is

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

/// A string or list<T> as the Canonical ABI lays it out.
#[repr(C)]
pub struct Slice<T> {
    ptr: *const T,
    len: usize,
}

impl<T> Slice<T> {
    fn of(v: &[T]) -> Self {
        Slice { ptr: v.as_ptr(), len: v.len() }
    }

    unsafe fn take(self) -> Vec<T> {
        Vec::from_raw_parts(self.ptr as *mut T, self.len, self.len)
    }
}

impl Slice<u8> {
    unsafe fn take_string(self) -> String {
        String::from_utf8(self.take()).expect("UTF-8")
    }
}

/// What an import with a result in memory writes to.
fn result<T>(call: impl FnOnce(*mut T)) -> T {
    let mut place = std::mem::MaybeUninit::uninit();
    call(place.as_mut_ptr());
    unsafe { place.assume_init() }
}

fn leak(text: String) -> *const Slice<u8> {
    let bytes = Box::leak(text.into_bytes().into_boxed_slice());
    Box::leak(Box::new(Slice::of(bytes)))
}

unsafe fn free(text: *mut Slice<u8>) {
    drop(Box::from_raw(text).take())
}

mod text {
    use super::Slice;
    #[link(wasm_import_module = "test:types/text@1.0.0")]
    extern "C" {
        pub fn join(parts: *const Slice<u8>, count: usize, separator: *const u8, len: usize, result: *mut Slice<u8>);
        pub fn upper(s: *const u8, len: usize, result: *mut Slice<u8>);
        pub fn reverse(s: *const u8, len: usize, result: *mut Slice<u8>);
        pub fn chars(s: *const u8, len: usize, result: *mut Slice<char>);
        #[link_name = "from-chars"]
        pub fn from_chars(v: *const char, len: usize, result: *mut Slice<u8>);
    }
}

#[link(wasm_import_module = "test:types/show@1.0.0")]
extern "C" {
    #[link_name = "show-person"]
    fn show_person(name: *const u8, name_len: usize, age: u32, tags: *const Slice<u8>, tag_count: usize, home: u32, x: i32, y: i32,
                   result: *mut Slice<u8>);
}

#[link(wasm_import_module = "$root")]
extern "C" {
    #[link_name = "log"]
    fn host_log(message: *const u8, len: usize);
}

fn log(message: &str) {
    unsafe { host_log(message.as_ptr(), message.len()) }
}

#[export_name = "shout"]
pub unsafe extern "C" fn shout(ptr: *const Slice<u8>, len: usize) -> *const Slice<u8> {
    let words: Vec<String> = Slice { ptr, len }.take().into_iter().map(|w| w.take_string()).collect();
    let parts: Vec<Slice<u8>> = words.iter().map(|w| Slice::of(w.as_bytes())).collect();
    let separator = " \u{2022} ";
    let joined = result(|r| text::join(parts.as_ptr(), parts.len(), separator.as_ptr(), separator.len(), r)).take_string();
    log(&joined);
    let upper = result(|r| text::upper(joined.as_ptr(), joined.len(), r)).take_string();
    log(&upper);
    let reversed = result(|r| text::reverse(upper.as_ptr(), upper.len(), r)).take_string();
    log(&reversed);
    leak(reversed)
}

#[export_name = "cabi_post_shout"]
pub unsafe extern "C" fn post_shout(text: *mut Slice<u8>) {
    free(text)
}

#[export_name = "introduce"]
pub unsafe extern "C" fn introduce(ptr: *const u8, len: usize, age: u32, home: u32, x: i32, y: i32) -> *const Slice<u8> {
    let name = Slice { ptr, len }.take_string();
    let tags: Vec<String> = name.split(' ').map(|w| format!("{}:{}", w.chars().count(), w)).collect();
    let tags: Vec<Slice<u8>> = tags.iter().map(|t| Slice::of(t.as_bytes())).collect();
    leak(result(|r| show_person(name.as_ptr(), name.len(), age, tags.as_ptr(), tags.len(), home, x, y, r)).take_string())
}

#[export_name = "cabi_post_introduce"]
pub unsafe extern "C" fn post_introduce(text: *mut Slice<u8>) {
    free(text)
}

#[export_name = "sorted"]
pub unsafe extern "C" fn sorted(ptr: *const u8, len: usize) -> *const Slice<u8> {
    let name = Slice { ptr, len }.take_string();
    let mut chars = result(|r| text::chars(name.as_ptr(), name.len(), r)).take();
    chars.sort();
    leak(result(|r| text::from_chars(chars.as_ptr(), chars.len(), r)).take_string())
}

#[export_name = "cabi_post_sorted"]
pub unsafe extern "C" fn post_sorted(text: *mut Slice<u8>) {
    free(text)
}
