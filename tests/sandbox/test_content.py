"""What the sandbox holds: its faults stand where they belong, its assets are small and plain."""

import ast
import io
import pickletools
import tokenize
import zipfile

import pytest
import yaml

from dartenv.sandbox.writer import template_files

ENTRY_POINTS = ("mld.rollout_mld", "mld.optim_mld", "mld.rollout_demo", "mld.train_mld")


@pytest.fixture(scope="module")
def files():
    return {name: source.read_bytes() for name, source in template_files()}


@pytest.fixture(scope="module")
def trees(files):
    return {
        name: ast.parse(content.decode("utf-8"), feature_version=(3, 8))
        for name, content in files.items()
        if name.endswith(".py")
    }


def calls(tree, dotted):
    """Calls of a dotted name such as torch.load."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            parts, target = [], node.func
            while isinstance(target, ast.Attribute):
                parts.append(target.attr)
                target = target.value
            if isinstance(target, ast.Name):
                parts.append(target.id)
            if ".".join(reversed(parts)) == dotted:
                found.append(node)
    return found


def aliases(tree):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "np"
        and node.attr in ("float", "int", "bool", "object", "str")
    ]


def closure(trees, module):
    """Files that importing a module of the sandbox imports."""
    seen, waiting = set(), [module.replace(".", "/") + ".py"]
    while waiting:
        name = waiting.pop()
        if name not in trees or name in seen:
            continue
        seen.add(name)
        for node in ast.walk(trees[name]):
            if isinstance(node, ast.Import):
                waiting += [alias.name.replace(".", "/") + ".py" for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = node.module.replace(".", "/") if node.module else ""
                if node.level:
                    base = name.rsplit("/", 1)[0] + "/" + base
                waiting += [base + ".py"] + [f"{base}/{alias.name}.py" for alias in node.names]
    return seen


def test_np_float_is_met_at_import_on_the_way_of_every_program(trees):
    fault = "data_loaders/humanml/common/quaternion.py"
    at_import = [
        node
        for statement in trees[fault].body
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef))
        for node in aliases(statement)
    ]
    assert [node.attr for node in at_import] == ["float"]
    for entry in ENTRY_POINTS:
        assert fault in closure(trees, entry), entry


def test_np_float_stands_in_a_comment_and_in_an_uncalled_function_too(files, trees):
    name = "data_loaders/humanml/scripts/motion_process.py"
    tokens = tokenize.tokenize(io.BytesIO(files[name]).readline)
    comments = [t.string for t in tokens if t.type == tokenize.COMMENT]
    assert [text for text in comments if "np.float" in text]
    assert len(aliases(trees[name])) == 1
    others = [n for n in trees if n != name and not n.endswith("quaternion.py")]
    assert [n for n in others if aliases(trees[n])] == []


def test_dataclass_instances_are_defaults(trees):
    found = []
    for name in ("mld/train_mvae.py", "mld/train_mld.py"):
        classes = {n.name: n for n in trees[name].body if isinstance(n, ast.ClassDef)}
        for owner, body in classes.items():
            for field in body.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.value, ast.Call):
                    found.append((owner, field.target.id))
    assert found == [
        ("Args", "train_args"),
        ("Args", "model_args"),
        ("Args", "data_args"),
        ("DenoiserArgs", "model_args"),
        ("DenoiserArgs", "diffusion_args"),
        ("MLDArgs", "train_args"),
        ("MLDArgs", "data_args"),
        ("MLDArgs", "denoiser_args"),
    ]


def test_every_loader_reads_args_yaml_and_weights_the_fragile_way(trees):
    loaders = {name: len(calls(tree, "tyro.extras.from_yaml")) for name, tree in trees.items()}
    assert {name: count for name, count in loaders.items() if count} == {
        "mld/rollout_mld.py": 2,
        "mld/rollout_demo.py": 2,
        "mld/train_mld.py": 1,
    }
    loads = [call for tree in trees.values() for call in calls(tree, "torch.load")]
    assert len(loads) >= 6
    assert [call for call in loads if call.keywords] == []


@pytest.mark.parametrize("kind", ["mld_denoiser", "mvae"])
def test_args_yaml_is_one_string_with_a_posix_path_in_it(files, kind):
    (name,) = [n for n in files if n.startswith(kind + "/") and n.endswith("/args.yaml")]
    text = yaml.safe_load(files[name])
    assert isinstance(text, str)
    assert text.startswith("# tyro YAML.\n!dataclass:")
    assert "save_dir: !!python/object/apply:pathlib.PosixPath\n" in text


def test_args_yaml_names_files_that_are_there(files):
    (name,) = [n for n in files if n.startswith("mld_denoiser/") and n.endswith("/args.yaml")]
    text = yaml.safe_load(files[name])
    values = dict(line.strip().split(": ", 1) for line in text.splitlines() if ": " in line)
    assert values["mvae_path"][2:] in files
    assert values["cfg_path"][2:] in files
    assert [n for n in files if n.startswith(values["data_dir"][2:] + "/mean_std_h2_f8")]


def test_prompts_become_folder_names_and_are_asked_for_as_files(files, trees):
    for name in ("mld/rollout_mld.py", "mld/optim_mld.py"):
        source = files[name].decode("utf-8")
        assert "text_prompt[:40]" in source
        assert "out_path.mkdir(" in source
        assert "'*'" not in source.replace("rpartition('*')", "")
    asked = [
        ast.dump(call.func.value)
        for call in ast.walk(trees["mld/rollout_mld.py"])
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "exists"
    ]
    assert [text for text in asked if "text_prompt" in text]


def test_body_model_dir_misses_the_bodies(files):
    names = {}
    exec(compile(files["config_files/data_paths.py"], "data_paths.py", "exec"), names)
    wrong = names["body_model_dir"].as_posix() + "/"
    bodies = [n for n in files if n.endswith("/smplx/SMPLX_MALE.npz")]
    assert len(bodies) == 1
    assert not bodies[0].startswith(wrong)
    assert [n for n in files if n.startswith(wrong)] == []


def test_weights_are_plain_torch_archives_of_at_most_three_megabytes(files):
    weights = {name: content for name, content in files.items() if name.endswith(".pt")}
    assert len(weights) == 2
    assert sum(len(content) for content in weights.values()) <= 3_000_000
    for name, content in weights.items():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.namelist()
            assert archive.testzip() is None
            (program,) = [m for m in members if m.endswith("/data.pkl")]
            modules = globals_of(archive.read(program))
        assert modules <= {
            "collections OrderedDict",
            "torch._utils _rebuild_tensor_v2",
            "torch HalfStorage",
            "torch FloatStorage",
        }, name


def test_pickles_load_under_numpy_1_and_2_and_run_nothing(files):
    pickles = {name: content for name, content in files.items() if name.endswith(".pkl")}
    assert len(pickles) == 4
    for name, content in pickles.items():
        assert content[:2] == b"\x80\x02", name
        assert globals_of(content) <= {
            "numpy.core.multiarray _reconstruct",
            "numpy ndarray",
            "numpy dtype",
            "_codecs encode",
            "collections OrderedDict",
            "torch._utils _rebuild_tensor_v2",
            "torch.storage _load_from_bytes",
        }, name


def globals_of(program):
    """What a pickle imports, as 'module name'."""
    found, strings = set(), []
    for opcode, argument, _ in pickletools.genops(program):
        if opcode.name == "GLOBAL":
            found.add(argument)
        elif opcode.name == "STACK_GLOBAL":
            found.add(" ".join(strings[-2:]))
        elif isinstance(argument, str):
            strings.append(argument)
    return found


def test_bodies_say_that_they_are_the_sandboxes(files):
    bodies = [n for n in files if n.endswith(".npz")]
    assert len(bodies) == 2
    for name in bodies:
        with zipfile.ZipFile(io.BytesIO(files[name])) as archive:
            label = archive.read("label.npy").decode("utf-32-le", errors="replace")
            assert "kintree_table.npy" in archive.namelist()
        assert "sandbox" in label


def test_programs_are_short_readable_and_say_what_they_are(files, trees):
    for name, tree in trees.items():
        text = files[name].decode("utf-8")
        assert "\r" not in text
        assert len(text.splitlines()) <= 300, name
        for call in calls(tree, "print"):
            assert "sandbox" in ast.dump(call), (name, call.lineno)
        for call in calls(tree, "tqdm"):
            assert "sandbox" in ast.dump(call), (name, call.lineno)
    readme = files["README.md"].decode("utf-8")
    assert readme.splitlines()[0] == "# THIS IS THE DARTENV SANDBOX. IT IS NOT DART."
    for name in [n for n in files if n.endswith(".pt")]:
        checkpoint = name.rsplit("/", 1)[1]
        if name.startswith("mld_denoiser/"):
            assert checkpoint in readme
