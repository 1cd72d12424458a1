"""Families that are nothing but a C struct with pointers: exceptions, slices, iterators and the
like.

Each line says: names of the types, the C struct, and its pointers to objects.  They follow
CPython's own ``tp_traverse``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import Decoded, Singleton
from gdbext.cpython.objects.family import Family, PointerField, optional, required
from gdbext.cpython.objects.sequences import tuple_items
from gdbext.cpython.objects.types import TypeInfo

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter


class ExceptionFamily(Family):
    """Exceptions (Objects/exceptions.c); some have more than the common slots."""

    names = ("BaseException",)
    struct = "PyBaseExceptionObject"
    slots = (
        *required("tuple", "args"),
        *optional(None, "dict", "notes", "traceback", "context", "cause"),
    )

    def __init__(self, names: str = "", struct: str = "", more: str = "") -> None:
        super().__init__(names, struct, (*self.slots, *optional(None, *more.split())))

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        args = write.core.field(self.struct, address, "args")
        yield info.short_name
        kind = write.core.type_of(args) if write.is_usable(args) else None
        if (
            kind is not None
            and kind.is_subclass("tuple")
            and len(items := tuple_items(write.core, args, 2)) == 1
        ):
            yield "("
            yield from write.inner(items[0])
            yield ")"
        else:
            yield from write.inner(args)


class SliceFamily(Family):
    """Slices (Objects/sliceobject.c)."""

    names = ("slice",)
    struct = "PySliceObject"
    slots = required(None, "start", "stop", "step")

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        yield "slice("
        yield from write.items(self.slot_values(write.core, address).values())
        yield ")"


class RangeFamily(Family):
    """Ranges (Objects/rangeobject.c)."""

    names = ("range",)
    struct = "rangeobject"
    slots = required("int", "start", "stop", "step", "length")

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        start, stop, step = write.core.fields(self.struct, address, "start", "stop", "step")
        last = "".join(write.inner(step))
        yield "range("
        yield from write.items((start, stop))
        yield ")" if last == "1" else f", {last})"


class SingletonFamily(Family):
    """``None``, ``Ellipsis``, ``NotImplemented``: the only objects of their types."""

    def __init__(self, names: str, text: str) -> None:
        super().__init__(names)
        self.constant = text

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Decoded:
        return Singleton(address, info, self.constant)

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        yield self.constant


class PartialFamily(Family):
    """``functools.partial`` (Modules/_functoolsmodule.c)."""

    names = ("functools.partial",)
    struct = "partialobject"
    slots = (
        *required(None, "fn"),
        *required("tuple", "args"),
        *required("dict", "kw"),
        *optional("dict", "dict"),
    )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        function, args, keywords = write.core.fields(self.struct, address, "fn", "args", "kw")
        yield f"{write.core.type_name(info)}("
        yield from write.items((function, *tuple_items(write.core, args, write.limit)))
        for name, value in write.keywords(keywords):
            yield f", {name}="
            yield from write.inner(value)
        yield ")"


class TypeVarFamily(Family):
    """``typing.TypeVar`` (Objects/typevarobject.c)."""

    names = ("typing.TypeVar", "typing.ParamSpec")
    struct = "typevarobject"
    slots = (
        *required("str", "name"),
        *optional(
            None,
            "bound",
            "evaluate_bound",
            "constraints",
            "evaluate_constraints",
            "default_value",
            "evaluate_default",
        ),
    )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        name, covariant, contravariant, inferred = write.core.fields(
            self.struct, address, "name", "covariant", "contravariant", "infer_variance"
        )
        sign = "" if inferred else "+" if covariant else "-" if contravariant else "~"
        yield sign + (write.core.text(name) or "?")


class SuperFamily(Family):
    """``super`` (Objects/typeobject.c)."""

    names = ("super",)
    struct = "superobject"
    slots = optional(None, "type", "obj", "obj_type")

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        type_, object_type = write.core.fields(self.struct, address, "type", "obj_type")
        owner, bound = (write.core.type_info(t) if t else None for t in (type_, object_type))
        yield f"<super: <class '{owner.name if owner else 'NULL'}'>, " + (
            f"<{bound.name} object>>" if bound else "NULL>"
        )


def _iterator(names: str, struct: str, *slots: str) -> Family:
    """Iterators drop what they iterate over when they are exhausted: NULL is legal everywhere."""
    return Family(names, struct, tuple(PointerField(name) for name in slots))


FAMILIES = (
    ExceptionFamily(),
    ExceptionFamily("AttributeError", "PyAttributeErrorObject", "obj name"),
    ExceptionFamily("BaseExceptionGroup", "PyBaseExceptionGroupObject", "msg excs"),
    ExceptionFamily("ImportError", "PyImportErrorObject", "msg name path name_from"),
    ExceptionFamily("NameError", "PyNameErrorObject", "name"),
    ExceptionFamily("OSError", "PyOSErrorObject", "myerrno strerror filename filename2"),
    ExceptionFamily("StopIteration", "PyStopIterationObject", "value"),
    ExceptionFamily(
        "SyntaxError",
        "PySyntaxErrorObject",
        "msg filename lineno offset end_lineno end_offset text print_file_and_line",
    ),
    ExceptionFamily("SystemExit", "PySystemExitObject", "code"),
    ExceptionFamily(
        "UnicodeDecodeError UnicodeEncodeError", "PyUnicodeErrorObject", "encoding object reason"
    ),
    SliceFamily(),
    RangeFamily(),
    PartialFamily(),
    TypeVarFamily(),
    SuperFamily(),
    SingletonFamily("NoneType", "None"),
    SingletonFamily("ellipsis", "Ellipsis"),
    SingletonFamily("NotImplementedType", "NotImplemented"),
    Family("traceback", "PyTracebackObject", optional(None, "tb_next", "tb_frame")),
    Family(
        "Token _contextvars.Token",
        "PyContextToken",
        optional(None, "tok_ctx", "tok_var", "tok_oldval"),
    ),
    Family(
        "_contextvars.ContextVar ContextVar",
        "PyContextVar",
        optional(None, "var_name", "var_default"),
    ),
    Family("_contextvars.Context Context", "PyContext", optional(None, "ctx_prev", "ctx_vars")),
    # Objects/iterobject.c, listobject.c, tupleobject.c, dictobject.c, setobject.c, enumobject.c,
    # Python/bltinmodule.c
    _iterator("list_iterator list_reverseiterator", "_PyListIterObject", "it_seq"),
    _iterator("tuple_iterator", "_PyTupleIterObject", "it_seq"),
    _iterator(
        "iterator str_iterator str_ascii_iterator bytes_iterator bytearray_iterator",
        "seqiterobject",
        "it_seq",
    ),
    _iterator("callable_iterator", "calliterobject", "it_callable", "it_sentinel"),
    _iterator(
        "dict_keyiterator dict_valueiterator dict_itemiterator",
        "dictiterobject",
        "di_dict",
        "di_result",
    ),
    _iterator(
        "dict_reversekeyiterator dict_reversevalueiterator dict_reverseitemiterator",
        "dictiterobject",
        "di_dict",
        "di_result",
    ),
    _iterator("odict_iterator", "odictiterobject", "di_odict", "di_current", "di_result"),
    _iterator("set_iterator", "setiterobject", "si_set"),
    # Objects/genobject.c: what an await steps, which steps the generator or coroutine in its turn
    _iterator("async_generator_asend", "PyAsyncGenASend", "ags_gen", "ags_sendval"),
    _iterator("async_generator_athrow", "PyAsyncGenAThrow", "agt_gen", "agt_args"),
    # Modules/_asynciomodule.c
    _iterator("_asyncio.FutureIter", "futureiterobject", "future"),
    _iterator("_asyncio.TaskStepMethWrapper", "TaskStepMethWrapper", "sw_task", "sw_arg"),
    _iterator("coroutine_wrapper", "PyCoroWrapper", "cw_coroutine"),
    _iterator("enumerate", "enumobject", "en_sit", "en_result", "en_longindex"),
    _iterator("reversed", "reversedobject", "seq"),
    _iterator("zip", "zipobject", "ittuple", "result"),
    _iterator("map", "mapobject", "iters", "func"),
    _iterator("filter", "filterobject", "func", "it"),
    # Modules/itertoolsmodule.c
    _iterator("itertools.accumulate", "accumulateobject", "total", "it", "binop", "initial"),
    _iterator("itertools.batched", "batchedobject", "it"),
    _iterator("itertools.chain", "chainobject", "source", "active"),
    _iterator("itertools.combinations", "combinationsobject", "pool", "result"),
    _iterator("itertools.combinations_with_replacement", "cwrobject", "pool", "result"),
    _iterator("itertools.compress", "compressobject", "data", "selectors"),
    _iterator("itertools.count", "countobject", "long_cnt", "long_step"),
    _iterator("itertools.cycle", "cycleobject", "it", "saved"),
    _iterator("itertools.dropwhile", "dropwhileobject", "func", "it"),
    _iterator("itertools.filterfalse", "filterfalseobject", "func", "it"),
    _iterator(
        "itertools.groupby", "groupbyobject", "it", "keyfunc", "tgtkey", "currkey", "currvalue"
    ),
    _iterator("itertools._grouper", "_grouperobject", "parent", "tgtkey"),
    _iterator("itertools.islice", "isliceobject", "it"),
    _iterator("itertools.pairwise", "pairwiseobject", "it", "old", "result"),
    _iterator("itertools.permutations", "permutationsobject", "pool", "result"),
    _iterator("itertools.product", "productobject", "pools", "result"),
    _iterator("itertools.repeat", "repeatobject", "element"),
    _iterator("itertools.starmap", "starmapobject", "func", "it"),
    _iterator("itertools.takewhile", "takewhileobject", "func", "it"),
    _iterator("itertools._tee", "teeobject", "dataobj"),
    _iterator("itertools.zip_longest", "ziplongestobject", "ittuple", "result", "fillvalue"),
    # Modules/_functoolsmodule.c, Modules/_collectionsmodule.c
    _iterator("functools.KeyWrapper", "keyobject", "cmp", "object"),
    _iterator("functools._lru_list_elem", "lru_list_elem", "key", "result"),
    _iterator(
        "functools._lru_cache_wrapper",
        "lru_cache_object",
        "cache",
        "func",
        "kwd_mark",
        "lru_list_elem_type",
        "cache_info_type",
        "dict",
    ),
    _iterator(
        "collections._deque_iterator collections._deque_reverse_iterator",
        "dequeiterobject",
        "deque",
    ),
    # Modules/_csv.c, Modules/_sre/sre.c, Modules/_io, Modules/_elementtree.c,
    # Objects/memoryobject.c
    _iterator("_csv.reader", "ReaderObj", "input_iter", "dialect", "fields"),
    _iterator("_csv.writer", "WriterObj", "write", "dialect", "error_obj"),
    _iterator("re.Pattern", "PatternObject", "groupindex", "indexgroup", "pattern"),
    _iterator("re.Match", "MatchObject", "string", "regs", "pattern"),
    _iterator("_io.BytesIO", "bytesio", "buf", "dict"),
    _iterator("_io.StringIO", "stringio", "decoder", "readnl", "dict"),
    _iterator(
        "_io.TextIOWrapper",
        "textio",
        "buffer",
        "encoding",
        "encoder",
        "decoder",
        "readnl",
        "errors",
        "dict",
    ),
    _iterator("xml.etree.ElementTree.Element", "ElementObject", "tag"),
    _iterator("memoryview", "PyMemoryViewObject", "mbuf", "view.obj"),
)
