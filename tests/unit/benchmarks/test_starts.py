"""What each light command imports: a run starts some hundreds of them."""

import json
import subprocess
import sys

import pytest
from benchmark_file import benchmark

starts = benchmark("starts")

HEAVY = (
    "torch",
    "lightning",
    "bpy",
    "pandas",
    "matplotlib",
    "matplotlib.pyplot",
    "h5py",
    "PIL",
    "scipy",
    "scipy.stats",
    "scipy.optimize",
    "scipy.ndimage",
)
NEEDED = {
    "index": {"h5py"},
    "preview": {"h5py", "PIL"},
    "check-model": {"h5py", "pandas", "torch"},
    "evaluate": {"h5py"},
    "summarize": {"h5py", "pandas", "scipy"},
    "table": {"h5py", "pandas", "scipy"},
    "figure": {"h5py", "pandas", "scipy", "matplotlib", "PIL"},
}
RUN = f"""
import json, sys
from projcomp.cli import app
app(json.loads(sys.argv[1]), standalone_mode=False)
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("starts")
    starts.make_inputs(root)
    return root


@pytest.mark.slow
def test_commands_import_what_they_need(folder):
    imported = {}
    for name, arguments in starts.commands().items():
        line = [sys.executable, "-c", RUN, json.dumps(arguments)]
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        imported[name] = set(json.loads(done.stdout.splitlines()[-1]))
    assert imported == NEEDED


def test_the_command_line_imports_nothing_heavy():
    line = f"import sys, projcomp.cli; print([n for n in {(*HEAVY, 'numpy')} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
