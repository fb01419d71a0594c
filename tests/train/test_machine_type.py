import platform

from pipeline.train import machine_type


def test_processor_names_what_kernels_ask_about(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("model name\t: A CPU\nflags\t\t: fpu avx512f avx2 amx_tile\nflags : bf16\n")
    assert machine_type.processor(path) == f"{platform.machine()} avx2 avx512f"
    assert machine_type.processor(tmp_path / "none") == platform.machine()


def test_gpus_are_counted_by_model():
    h100 = {"device_name": "NVIDIA H100", "compute_capability": (9, 0)}
    assert machine_type.gpus([]) == "none"
    assert machine_type.gpus([h100, {}, h100]) == "2 x NVIDIA H100 (9.0), GPU (?)"
