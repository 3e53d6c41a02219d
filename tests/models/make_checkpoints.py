#!/usr/bin/env python3
"""Writes the small PyTorch files in tests/fixtures/checkpoints: python3 make_checkpoints.py OUT

torch itself needs gigabytes of CUDA to start, so this follows torch.save's two layouts with Python's own pickle, zipfile and NumPy-free struct:
the pickler is the real one, the layout is torch/serialization.py's (_save and _legacy_save). A legacy file by the real torch is in the tests too
(the published EfficientNet-Lite0)."""
import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path

torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules |= {"torch": torch, "torch._utils": utils}
CODES = {"FloatStorage": "f", "DoubleStorage": "d", "HalfStorage": "e", "BFloat16Storage": None, "LongStorage": "q", "IntStorage": "i", "ShortStorage": "h", "CharStorage": "b", "ByteStorage": "B", "BoolStorage": "?"}
for name in CODES:
    setattr(torch, name, type(name, (), {"__module__": "torch", "__qualname__": name}))


def placed(module, name, value):
    value.__module__, value.__qualname__, value.__name__ = module.__name__, name, name
    setattr(module, name, value)
    return value


placed(utils, "_rebuild_tensor_v2", lambda *a: None)
placed(utils, "_rebuild_parameter", lambda *a: None)
placed(torch, "device", type("device", (), {"__init__": lambda self, kind: setattr(self, "kind", kind), "__reduce__": lambda self: (torch.device, (self.kind,))}))


class Storage:
    count = 0

    def __init__(self, kind, values):
        self.kind, self.values, self.key = kind, values, str(Storage.count)
        Storage.count += 1

    def bytes(self):
        if self.kind == "BFloat16Storage":
            return b"".join(struct.pack("<f", v)[2:] for v in self.values)
        return struct.pack(f"<{len(self.values)}{CODES[self.kind]}", *self.values)


class Tensor:
    def __init__(self, storage, shape, strides=None, offset=0, parameter=False):
        if strides is None:
            strides, step = [], 1
            for size in reversed(shape):
                strides.insert(0, step)
                step *= size
        self.storage, self.shape, self.strides, self.offset, self.parameter = storage, tuple(shape), tuple(strides), offset, parameter

    def __reduce__(self):
        inner = (utils._rebuild_tensor_v2, (self.storage, self.offset, self.shape, self.strides, False, OrderedDict()))
        if not self.parameter:
            return inner
        return utils._rebuild_parameter, (Tensor(self.storage, self.shape, self.strides, self.offset), True, OrderedDict())


class Pickler(pickle.Pickler):
    def __init__(self, file, protocol, legacy):
        super().__init__(file, protocol)
        self.legacy, self.storages = legacy, {}

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        self.storages[value.key] = value
        return ("storage", getattr(torch, value.kind), value.key, "cpu", len(value.values), *((None,) if self.legacy else ()))


def save(value, path, protocol=2):
    body = io.BytesIO()
    pickler = Pickler(body, protocol, False)
    pickler.dump(value)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        name = path.stem
        archive.writestr(f"{name}/data.pkl", body.getvalue())
        archive.writestr(f"{name}/byteorder", "little")
        for key, storage in pickler.storages.items():
            archive.writestr(f"{name}/data/{key}", storage.bytes())
        archive.writestr(f"{name}/version", "3\n")


def save_legacy(value, path):
    with path.open("wb") as file:
        for head in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}):
            pickle.dump(head, file, 2)
        pickler = Pickler(file, 2, True)
        pickler.dump(value)
        keys = sorted(pickler.storages)
        pickle.dump(keys, file, 2)
        for key in keys:
            storage = pickler.storages[key]
            file.write(struct.pack("<q", len(storage.values)) + storage.bytes())


out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
base = Storage("FloatStorage", [i / 8 for i in range(24)])
one = lambda kind, values: Tensor(Storage(kind, values), (len(values),))
table = OrderedDict(
    f32=Tensor(base, (4, 6)), f64=one("DoubleStorage", [1.5, -2.25]), f16=one("HalfStorage", [0.5, -3]), bf16=one("BFloat16Storage", [1, -2]), i64=one("LongStorage", [1, -2, 2**31 - 1]),
    i32=one("IntStorage", [7, -7]), i16=one("ShortStorage", [-300]), i8=one("CharStorage", [-5, 5]), u8=one("ByteStorage", [0, 255]), bool=one("BoolStorage", [True, False]),
    transposed=Tensor(base, (6, 4), (1, 6)), slice=Tensor(base, (2, 3), (6, 1), 8), column=Tensor(base, (4,), (6,), 3), scalar=Tensor(Storage("FloatStorage", [2.5]), ()), empty=Tensor(Storage("FloatStorage", []), (0, 3)), tied=Tensor(base, (4, 6)))
save(table, out / "zip.pth")
save_legacy(table, out / "legacy.pth")
save(table, out / "protocol4.pth", 4)
save({"epoch": 3, "model_state_dict": OrderedDict(weight=Tensor(base, (4, 6), parameter=True)), "optimizer_state_dict": {"state": {0: {"step": 1, "exp_avg": Tensor(base, (4, 6))}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999)}]},
      "args": {"device": torch.device("cpu"), "name": "x", "none": None, "list": [1, 2.5, (True, False), 2**70]}}, out / "training.pth")
