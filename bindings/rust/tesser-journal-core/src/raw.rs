// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the library allocates, and views into it.
//!
//! Its invariant: a `tj_` value with pointers is either made of borrowed Rust values for one call,
//! or was returned by the library and is held by an [`Owned`].

use std::ops::Deref;
use std::ptr::{self, NonNull};

use tesser_journal_sys as sys;

use crate::error::{Error, Result, Status, call};

/// A value that the library allocated, released when dropped.
pub(crate) struct Owned<T> {
    value: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

// SAFETY: it is a value in memory that nobody else refers to, and nothing changes it.
unsafe impl<T> Send for Owned<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Owned<T> {}

impl<T> Owned<T> {
    /// Makes a call that returns a value through a pointer.
    pub(crate) fn load(
        free: unsafe extern "C" fn(*mut T),
        function: impl FnOnce(*mut *mut T, *mut sys::tj_error) -> sys::tj_status,
    ) -> Result<Self> {
        let mut value = ptr::null_mut();
        call(|error| function(&mut value, error))?;
        let value = NonNull::new(value)
            .ok_or_else(|| Error::new(Status::Misuse, "the library returned no value"))?;
        Ok(Self { value, free })
    }
}

impl<T> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the library returned it, and nothing else refers to it until it is dropped.
        unsafe { self.value.as_ref() }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `free` is the function that the header names for this value, called once.
        unsafe { (self.free)(self.value.as_ptr()) }
    }
}

/// A view of text, for one call.
pub(crate) fn view(text: &str) -> sys::tj_str {
    sys::tj_str { data: text.as_ptr().cast(), size: text.len() }
}

/// A view of text that may be absent, for one call.
pub(crate) fn view_or_none(text: Option<&str>) -> sys::tj_str {
    text.map_or_else(sys::tj_str::default, view)
}

/// The text of a view into memory that the library returned, while `_owner` is borrowed.
pub(crate) fn text<O: ?Sized>(_owner: &O, view: sys::tj_str) -> Option<&str> {
    if view.data.is_null() {
        return None;
    }
    // SAFETY: this module's invariant; the memory lives as long as its owner.
    let bytes = unsafe { std::slice::from_raw_parts(view.data.cast::<u8>(), view.size) };
    // What is not UTF-8 was refused when it was stored, and its row was summed.
    Some(std::str::from_utf8(bytes).unwrap_or(""))
}

/// An array inside memory that the library returned, while `_owner` is borrowed.
pub(crate) fn items<O: ?Sized, T>(_owner: &O, first: *mut T, count: usize) -> &[T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: this module's invariant; array and owner lie in the same memory.
    unsafe { std::slice::from_raw_parts(first, count) }
}
