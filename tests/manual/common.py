"""What the files of this suite share: the program, its plugins, and tools that may be absent."""
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(sys.argv[1]).resolve()
PROGRAM = BUILD / "backplane"
WORK = pathlib.Path(tempfile.mkdtemp(prefix="backplane-manual-"))
PAGES = sorted((TOP / "docs/man").glob("*.[157]"))
STRANGE = "org.example.strange"
ARCHS = ("x86_64", "arm64", "riscv64")

os.environ.pop("BACKPLANE_PLUGIN_PATH", None)


class Skip(Exception):
    pass


def clean():
    shutil.rmtree(WORK)


def backplane(*args, status=0):
    done = subprocess.run([str(PROGRAM), *map(str, args)], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == status, "backplane %s: status %d, %s" % (
        " ".join(map(str, args)), done.returncode, done.stderr.strip())
    return done.stdout


def need(tool):
    path = shutil.which(tool)
    if path is None:
        raise Skip("%s is not installed" % tool)
    return path


def ids():
    found = sorted(file.stem for file in (BUILD / "plugins").glob("*.so"))
    assert found, "no plugins are built"
    return found


@functools.lru_cache(maxsize=None)
def info(plugin):
    return json.loads(backplane("plugin", "info", plugin, "--json"))


def candidates(*words):
    """What `complete` says: words, and requests for files."""
    lines = backplane("complete", *words).splitlines()
    return ([line.split("\t")[0] for line in lines if not line.startswith(":")],
            [line for line in lines if line.startswith(":")])


STRANGE_MADE = BUILD / "tests/unit/plugins/strange.so"


def strange_is_built():
    return STRANGE_MADE.exists()


def strange_dir():
    """A directory with the plugin whose texts are strange, tests/unit/plugins/strange.c."""
    if not strange_is_built():
        raise Skip("the tests' plugins are not built")
    directory = WORK / "strange"
    directory.mkdir(mode=0o755, exist_ok=True)
    copy = directory / (STRANGE + ".so")
    shutil.copyfile(STRANGE_MADE, copy)
    copy.chmod(0o644)
    return directory
