from tests.conformance.engine import EngineContract


class TestOnnxRuntime(EngineContract):
    engine = "onnxruntime"


class TestLiteRt(EngineContract):
    engine = "litert"


class TestExecuTorch(EngineContract):
    engine = "executorch"
