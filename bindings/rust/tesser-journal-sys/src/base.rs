// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every other header needs: visibility, text views and owned text.

use std::ffi::c_char;

/// A borrowed view of UTF-8 text (or of JSON text): pointer and length, no NUL needed.
///
/// `data == NULL` means absent; an empty text has `size == 0` and a non-NULL pointer. Who owns
/// the bytes is said where a `tj_str` appears; a view passed into a call is read during that call
/// only, a view in a loaded value lives as long as the value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_str {
    /// First byte, or NULL when absent
    pub data: *const c_char,
    /// Length in bytes
    pub size: usize,
}

/// Text this library allocated for the caller; NUL-terminated for convenience.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_text {
    /// Owned by the struct; NULL when nothing was produced
    pub data: *mut c_char,
    /// Length in bytes, without the NUL
    pub size: usize,
}

unsafe extern "C" {
    /// Releases the bytes of a `tj_text` and empties it.
    ///
    /// - `text`: may be NULL or already empty
    ///
    /// Threads: any, one at a time per object.
    pub fn tj_text_dispose(text: *mut tj_text);

    /// Writes text so that it can be shown on a terminal, in a table or in a log, and looks like
    /// nothing else.
    ///
    /// Names come from outside, and some characters are not seen, or change how others are: U+202E
    /// turns a name around, U+200B makes another one look the same. Control characters and bytes
    /// that are no UTF-8 stand as `\xNN`; format characters, spaces but the plain one, separators,
    /// fillers, variation selectors, tags, private use and what is no character as `\u{NNNN}`.
    /// Backslashes stay.
    ///
    /// - `text`: borrowed; absent is empty
    /// - `buffer`: receives as much as fits, NUL-terminated; may be NULL when `size` is 0
    /// - `size`: bytes of the buffer; 4 times the text and 1 are always enough
    ///
    /// Returns length of the whole result, as snprintf counts. Threads: any.
    pub fn tj_text_visible(text: tj_str, buffer: *mut c_char, size: usize) -> usize;

    /// Writes text as one word of a shell's command: as it is, or in single quotes where a shell
    /// would read it otherwise. What `tj_text_visible` would show differently stands as bash, zsh
    /// and ksh read it, `$'\xNN'`. For a path in a command that somebody may copy.
    ///
    /// - `text`: borrowed; absent is empty
    /// - `buffer`: receives as much as fits, NUL-terminated; may be NULL when `size` is 0
    /// - `size`: bytes of the buffer; 4 times the text and 4 are always enough
    ///
    /// Returns length of the whole result, as snprintf counts. Threads: any.
    pub fn tj_text_word(text: tj_str, buffer: *mut c_char, size: usize) -> usize;
}
