"""What is wrong with an object's bytes, and why there is none."""

from __future__ import annotations

from gdbext.wording.grammar import Phrase, Sentence, Word, article


def _wrong_type(slot: Word, type: Word, wanted: Word, exactly: bool) -> str:
    return f"{slot} is {article(type)}, not {article('exact ' + wanted if exactly else wanted)}"


def _several(claims: tuple[Phrase, ...]) -> str:
    return "; ".join(claims)


SENTENCES: dict[str, Sentence] = {
    # Memory and layouts.
    "unreadable": "cannot read {size} bytes at {address}",
    "text-not-address": (
        'cannot read {size} bytes at {address}, a pointer that looks like the text "{text}": '
        "something was written over it"
    ),
    "memory-unreadable": "the memory cannot be read",
    "layout-unknown": "{message}",
    "several": _several,
    # An object's header.
    "address-misaligned": "the address is not aligned to 8 bytes",
    "type-not-an-address": "ob_type is not the address of a type",
    "padding-not-zero": "the padding is not zero",
    "flags-with-unknown-bits": "ob_flags has bits that do not exist",
    "mutex-state-impossible": "ob_mutex is not a state of a mutex",
    "gc-bits-impossible": "ob_gc_bits has a bit that does not exist",
    "unreachable-without-collection": (
        "ob_gc_bits says unreachable, but no garbage collection is running"
    ),
    "immortal-with-owner": (
        "ob_ref_local says immortal (or is a count below zero), but ob_tid names an owner"
    ),
    "immortal-with-shared-count": "ob_ref_local says immortal, but ob_ref_shared is not zero",
    "local-count-implausible": "ob_ref_local is not a plausible count",
    "shared-count-implausible": "ob_ref_shared is not a plausible count",
    "refcount-below-zero": "the reference count is below zero ({count})",
    "refcount-zero": (
        "the reference count is 0 "
        "(ob_ref_local {local}; ob_ref_shared {shared}, and its lowest bits, {state})"
    ),
    "merged-with-owner": "ob_ref_shared says merged, but ob_tid names an owner",
    "merged-with-local-count": "ob_ref_shared says merged, but ob_ref_local is not zero",
    "owner-not-a-thread": "ob_tid is not a thread's identifier",
    # Type objects.
    "type-is": "ob_type is {type}",
    "type-is-not": "ob_type is {type}, not {expected}",
    "type-not-a-type": "ob_type is not a type object",
    "type-unreadable": "the type cannot be read: {reason}",
    "type-refcount-zero": "the type's reference count is 0",
    "type-not-ready": "the type's flags lack READY",
    "type-without-name": "the type has no readable name",
    "type-basicsize-implausible": "the type's basic size is not plausible",
    "type-itemsize-implausible": "the type's item size is not plausible",
    "type-base-not-a-type": "the type's base is not a type",
    "type-metatypes-astray": "the type's metatypes do not lead to `type`",
    "not-a-type": "it is not a credible type object",
    # Pointers.
    "null": "{slot} is NULL",
    "callable-null": "{slot} is NULL: __init__ has not run, or the object is being cleared",
    "not-an-object": "{slot} is not an object: {reason}",
    "wrong-type": _wrong_type,
    # Sizes and arrays.
    "size-below-zero": "ob_size is below zero",
    "size-implausible": "the size {size} is not plausible",
    "size-beyond-array": "the size is {size}, but the array has room for {capacity}",
    "length-beyond-array": "{field} is {length}, but the array has room for {capacity}",
    "array-not-an-address": "ob_item is not the address of an array",
    "array-size-overwritten": "the array's own size was overwritten",
    "array-size-is-text": "the array's own size was overwritten by text: {text}",
    "null-with-size": "{field} is NULL, but ob_size is {size}",
    "items-unreadable": "the items cannot be read: {reason}",
    # str, bytes, bytearray, int.
    "not-a-str": "not a str",
    "str-implausible": "its state or its characters are not those of a str",
    "str-state-illegal": "the state of the str is illegal",
    "str-not-ascii": "the state says ASCII, but there are other characters",
    "str-not-terminated": "no NUL follows the last character",
    "characters-unreadable": "the characters cannot be read: {reason}",
    "characters-not-code-points": "some characters are not code points",
    "bytes-unreadable": "the bytes cannot be read: {reason}",
    "bytes-not-terminated": "no NUL follows the last byte",
    "bytes-outside-buffer": (
        "{size} bytes from ob_start do not lie in the {allocated} bytes from ob_bytes"
    ),
    "int-without-sign": "lv_tag has no sign",
    "int-too-long": "lv_tag has {digits} digits",
    "int-digits-zero": "lv_tag says that the number is not zero, but its digits are",
    # Dicts, sets, deques, unions.
    "keys-implausible": "ma_keys does not point to a keys object: the sizes do not fit",
    "keys-not-an-address": "ma_keys is not the address of a keys object",
    "values-implausible": "ma_values does not point to a dict's values: the sizes do not fit",
    "keys-and-values-differ": lambda kind, values: (
        f"the keys are {kind}, but ma_values is {'set' if values else 'NULL'}"
    ),
    "used-too-large": "ma_used is more than there are entries",
    "nodes-endless": "the list of nodes does not end",
    "set-implausible": "the set's sizes do not fit: used {used}, fill {fill}, mask {mask}",
    "set-unreadable": "the set's table is not plausible: {reason}",
    "deque-implausible": "the deque's sizes do not fit: size {size}, leftindex {leftindex}",
    "deque-cycle": "the deque's blocks form a cycle",
    "deque-unreadable": "the deque's blocks cannot be read: {reason}",
    "args-unreadable": "the tuple in args cannot be read: {reason}",
    "union-too-small": "a union has at least 2 members, this one has {count}",
}
