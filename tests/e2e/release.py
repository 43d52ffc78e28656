#!/usr/bin/env python3
"""The archive of a release: what it needs, what is in it, and that it works wherever it is unpacked; the action for GitHub
and the template for GitLab, which download it; the archive of the sources.

  tests/e2e/release.py [--build DIR] [NAME...]
"""
import functools
import glob
import hashlib
import os
import re
import sys
import tarfile
import threading

import harness
from harness import ROOT, Skip, demand, need
from install import BUILT

NEWEST = (2, 17)
LIBC = {"libc.so.6", "libm.so.6", "librt.so.1", "libdl.so.2", "libpthread.so.0", "ld-linux-x86-64.so.2", "liblzma.so.5"}
OWN = ("bin/threadleak", "lib/threadleak/libthreadleak.so")
CARRIED = ("lib/threadleak/libunwind.so.8", "lib/threadleak/liblzma.so.5")
LEAKS = 66
LOCK = threading.Lock()


def make(bench, *argv, **env):
    status, out, err = harness.call(["make", "-s", "--no-print-directory", "-C", ROOT, *argv], env=bench.environment(**env))
    demand(status == 0, f"make {argv}: {out}{err}")


@functools.cache
def libunwind():
    """What make is given for a libunwind: Debian 11's, or where that cannot be downloaded this machine's."""
    directory = os.path.join(harness.built_directory(), "libunwind")
    os.mkdir(directory)
    status, _, _ = harness.call(["packaging/release/libunwind.sh", directory], cwd=ROOT)
    if status == 0:
        return []
    for name in map(os.path.basename, CARRIED):
        found = [place for place in (f"/lib/x86_64-linux-gnu/{name}", f"/usr/lib64/{name}") if os.path.exists(place)]
        if not found:
            raise Skip(f"{name} for glibc 2.17 cannot be downloaded, and this machine has none")
        harness.copy(found[0], directory)
    return [f"RELEASE_LIBUNWIND={directory}"]


class Bench(harness.Bench):
    def copy_of_build(self, name):
        """Its objects: other tests run what is in the build directory."""
        own = os.path.join(harness.built_directory(), name)
        os.mkdir(own)
        there = [os.path.join(self.build, part) for part in BUILT if os.path.exists(os.path.join(self.build, part))]
        status, _, err = harness.call(["cp", "-a", "--reflink=auto", *there, own])
        demand(status == 0, err)
        return own

    def archive(self, name="first", **env):
        """Made once for each name."""
        if os.uname().machine != "x86_64":
            raise Skip("an archive is made on x86_64")
        need("readelf")
        if not glob.glob("/usr/share/doc/libdw-dev/copyright"):
            raise Skip("licenses are taken from Debian's packages, and libdw-dev is not here")
        pattern = os.path.join(harness.built_directory(), name, "threadleak-*-x86_64.tar.gz")
        with LOCK:
            if not glob.glob(pattern):
                make(self, f"BUILD={self.copy_of_build(name)}", "release-tarball", *libunwind(), SOURCE_DATE_EPOCH="1700000000", **env)
        return glob.glob(pattern)[0]

    def unpacked(self):
        """Its directory, moved to where nothing was built."""
        moved = self.path("moved")
        os.mkdir(moved)
        status, _, err = harness.call(["tar", "-xzf", self.archive(), "-C", moved, "--strip-components=1"])
        demand(status == 0, err)
        return moved


def versions_of(file):
    _, out, _ = harness.call(["readelf", "-W", "-V", file])
    return {tuple(map(int, version.split("."))) for version in re.findall(r"Name: GLIBC_([\d.]+)", out)}


def needs_glibc_2_17(bench):
    """No symbol is newer, and no other library is needed."""
    place = bench.unpacked()
    for name in (*OWN, *(() if libunwind() else CARRIED)):
        versions = versions_of(f"{place}/{name}")
        demand(versions and max(versions) <= NEWEST, f"{name} needs glibc {max(versions)}")
        _, out, _ = harness.call(["readelf", "-W", "-d", f"{place}/{name}"])
        libraries = set(re.findall(r"NEEDED.*\[(.*)\]", out))
        demand(libraries <= LIBC, f"{name} needs {libraries - LIBC}")
    ordinary = versions_of(bench.cli)
    demand(ordinary, "the program of an ordinary build has versions, too, so they are found")
    if libunwind():
        raise Skip("Debian 11's libunwind cannot be downloaded; the versions of the others are right")


def symbols(*files):
    """What readelf prints of symbols that have versions: (is it defined there, name, version after @ or @@)."""
    _, out, _ = harness.call(["readelf", "-W", "--dyn-syms", *files])
    return [(place != "UND", *re.match(r"([^@]*)(@.*)", name).groups())
            for place, name in re.findall(r" (\S+) (\S+@GLIBC_\S+)", out)]


def needs_no_name_of_old_programs_alone(bench):
    """libc.so.6 keeps for old programs what had been in other libraries, as pthread_atfork@GLIBC_2.2.5.  A new program cannot
    be linked with these names.  With the glibc of their time, a program without threads dies if it looks for one in libc.so.6."""
    status, libc, _ = harness.call(["cc", "-print-file-name=libc.so.6"])
    demand(status == 0, "cc")
    beside = [os.path.join(os.path.dirname(libc.strip()), name) for name in sorted(LIBC - {"liblzma.so.5"})]
    linkable = {name for is_defined, name, version in symbols(*filter(os.path.exists, beside)) if is_defined and version.startswith("@@")}
    place = bench.unpacked()
    for name in OWN:
        imported = {symbol for is_defined, symbol, _ in symbols(f"{place}/{name}") if not is_defined}
        demand(len(imported) > 50, f"{name}: {imported}")
        demand(imported <= linkable, f"{name}: {imported - linkable}")


def works_anywhere(bench):
    place, program = bench.unpacked(), bench.target("running")
    status, out, err = harness.call([f"{place}/bin/threadleak", "run", "--", program], env=bench.env)
    demand(status == LEAKS and "created by T1 (main) at" in err and "start_pool" in err, f"{status} {out}{err}")
    shim = f"{place}/lib/threadleak/libthreadleak.so"
    status, out, err = harness.call([program], env=bench.environment(LD_PRELOAD=shim))
    demand(status == 0 and "created by T1 (main) at" in err and "start_pool" in err, f"{status} {out}{err}")
    status, out, err = harness.call([f"{place}/bin/threadleak", "selftest"], env=bench.env)
    demand(status == 0, f"{status} {out}{err}")


def loads_the_libunwind_beside_it(bench):
    bench.shim = f"{bench.unpacked()}/lib/threadleak/libthreadleak.so"
    with bench.live_asleep("fork_pool", "fork") as pid:
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            loaded = set(re.findall(r"/\S*/libunwind\.so\S*", maps.read()))
    demand(loaded == {os.path.dirname(bench.shim) + "/libunwind.so.8"}, f"{loaded}")


def contents(bench):
    with tarfile.open(bench.archive()) as archive:
        members = archive.getmembers()
    names = {member.name.partition("/")[2] for member in members if member.isfile()}
    wanted = {*OWN, *CARRIED, "include/threadleak.h", "share/bash-completion/completions/threadleak",
              "share/zsh/site-functions/_threadleak", "share/fish/vendor_completions.d/threadleak.fish",
              *(f"share/doc/threadleak/{name}" for name in ("LICENSE", "CHANGELOG.md", "SECURITY.md", "README.md")),
              *(f"share/doc/threadleak/licenses/{name}.copyright" for name in ("libdw-dev", "libjansson-dev", "libiberty-dev"))}
    demand(wanted <= names, f"not there: {wanted - names}")
    demand(all((member.uid, member.gid) == (0, 0) and member.mode & 0o22 == 0 for member in members), "owners and modes")
    demand(len({member.mtime for member in members}) == 1, "times of files differ")


def digest(file):
    with open(file, "rb") as opened:
        return hashlib.sha256(opened.read()).hexdigest()


def same_bytes(bench):
    first, second = bench.archive(), bench.archive("second", TZ="Asia/Tokyo", LC_ALL="C")
    demand(digest(first) == digest(second), "two archives of the same objects differ")


def sources(bench):
    """make dist: the same bytes again, and a Makefile that works there."""
    files = []
    for name in ("first", "second"):
        make(bench, f"BUILD={bench.path(name)}", "dist", SOURCE_DATE_EPOCH="1700000000")
        files += glob.glob(bench.path(f"{name}/threadleak-*.tar.gz"))
    demand(len(files) == 2 and digest(files[0]) == digest(files[1]), f"{files} differ")
    with tarfile.open(files[0]) as archive:
        archive.extractall(bench.path("sources"))
    place = glob.glob(bench.path("sources/*"))[0]
    demand({"Makefile", "CHANGELOG.md", "SECURITY.md", "src", "tests"} <= set(os.listdir(place)), os.listdir(place))
    demand(not {".git", "build"} & set(os.listdir(place)), os.listdir(place))
    status, out, err = harness.call(["make", "-n", "-C", place, "all"], env=bench.env)
    demand(status == 0 and "libthreadleak.so" in out, err)


# ---- CI ---------------------------------------------------------------------------------------
def parsed(path):
    try:
        import yaml
    except ImportError as error:
        raise Skip("no yaml module for python3 here") from error
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return yaml.safe_load(file)


class Workflow:
    """Runs the steps of a composite action as GitHub does: values in env, files for outputs and PATH."""

    def __init__(self, bench, **given):
        self.bench = bench
        self.action = parsed("packaging/github/action.yml")
        unknown = set(given) - set(self.action["inputs"])
        demand(not unknown, f"no input {unknown}")
        self.values = {f"inputs.{name}": given.get(name, str(row.get("default", ""))) for name, row in self.action["inputs"].items()}
        self.values["github.action_repository"] = "owner/threadleak"
        self.paths, self.outputs = bench.write("paths", ""), bench.write("outputs", "")
        os.makedirs(bench.path("temp"), exist_ok=True)

    def value(self, text):
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda name: self.values[name[1]], str(text))

    def run(self):
        """Status and output of the step that failed, or of the last one."""
        status, text = 0, ""
        for step in self.action["runs"]["steps"]:
            if step.get("if") == "inputs.command != ''" and not self.values["inputs.command"]:
                continue
            demand(step["shell"] == "bash" and "${{" not in step["run"], "an input in a script would be code")
            path = ":".join([*self.bench.read("paths").split(), os.environ["PATH"]])
            env = self.bench.environment(**{name: self.value(value) for name, value in step.get("env", {}).items()}, PATH=path,
                                         GITHUB_PATH=self.paths, GITHUB_OUTPUT=self.outputs, RUNNER_TEMP=self.bench.path("temp"))
            script = self.bench.write("step.sh", step["run"])
            status, out, err = harness.call(["bash", "--noprofile", "--norc", "-eo", "pipefail", script], env=env, cwd=self.bench.tmp)
            text = out + err
            if status != 0:
                break
        return status, text


def github(bench):
    need("curl")
    archive = bench.archive()
    program = bench.target("running")
    status, text = Workflow(bench, archive=f"file://{archive}", sha256=digest(archive), command=f"{program}; true").run()
    demand(status == LEAKS and "::error" in text + "::warning", f"{status} {text}")
    demand(re.search(r"^::\w+ file=\S*tests/targets/running\.c,line=\d+", text, re.M), text)
    directory = bench.read("outputs").strip().removeprefix("directory=")
    demand(os.path.exists(f"{directory}/bin/threadleak"), directory)
    status, text = Workflow(bench, archive=f"file://{archive}", command=bench.target("clean")).run()
    demand(status == 0, f"{status} {text}")
    status, text = Workflow(bench, archive=f"file://{archive}", sha256="0" * 64, command="true").run()
    demand(status == 1, f"an archive with another SHA-256: {status} {text}")
    status, text = Workflow(bench, archive="file:///nothing.tar.gz").run()
    demand(status != 0, f"no archive: {status} {text}")


def gitlab_job(bench, **variables):
    job = parsed("packaging/gitlab/threadleak.yml")[".threadleak"]
    demand(set(variables) <= set(job["variables"]), f"{variables}")
    script = "\n".join(["set -e", *job["before_script"], *job["script"]])
    env = bench.environment(**{**job["variables"], **variables}, TMPDIR=bench.tmp)
    status, out, err = harness.call(["sh", bench.write("job.sh", script)], env=env, cwd=bench.tmp)
    return status, out + err, job["artifacts"]["reports"]


def gitlab(bench):
    if not harness.call(["sh", "-c", "command -v curl || command -v wget"])[1]:
        raise Skip("neither curl nor wget is here")
    archive = bench.archive()
    url = f"file://{archive}"
    status, text, reports = gitlab_job(bench, THREADLEAK_ARCHIVE=url, THREADLEAK_SHA256=digest(archive),
                                       THREADLEAK_COMMAND=bench.target("running"))
    demand(status == LEAKS and "created by T1 (main) at" in text, f"{status} {text}")
    demand(all(os.path.getsize(bench.path(report)) > 0 for report in reports.values()), f"{reports}")
    for wrong in ({}, {"THREADLEAK_ARCHIVE": url, "THREADLEAK_SHA256": "0" * 64}, {"THREADLEAK_ARCHIVE": "file:///nothing.tar.gz"}):
        status, text, _ = gitlab_job(bench, **wrong, THREADLEAK_COMMAND="true")
        demand(status not in (0, LEAKS), f"{wrong}: {status} {text}")


TESTS = [needs_glibc_2_17, needs_no_name_of_old_programs_alone, works_anywhere, loads_the_libunwind_beside_it, contents, same_bytes, sources, github, gitlab]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
