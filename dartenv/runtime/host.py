"""A bundle made ready to run: its files checked, its models opened, motion out of prompts."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from dartenv.bundle.contract import Bundle, Joints, ModelFile, Precision, Schedule
from dartenv.bundle.files import BundleFile, bundle_json, file_path, load_bundle
from dartenv.errors import UsageFault
from dartenv.motion.motion import Motion
from dartenv.motion.skeleton import from_bundle
from dartenv.runtime import sessions
from dartenv.runtime.features import Features, Placed, World
from dartenv.runtime.files import Check, file_of, model_of, text_file_of
from dartenv.runtime.noise import Noise
from dartenv.runtime.prompt import parse, spread
from dartenv.runtime.sound import check_bundle
from dartenv.runtime.text import TextEncoder

MOST_BATCH = 1024
OUTPUTS = (
    "motion",
    "rotations",
    "translation",
    "joints",
    "next_history",
    "next_world_rotation",
    "next_world_translation",
)


class State(NamedTuple):
    """Where a motion stands: history [B, H, F] normalised, and the world of its frame."""

    history: Any
    world: World


class Step(NamedTuple):
    """One primitive: motion [B, N, F] in units in its own frame, in the world, and what follows."""

    motion: Any
    placed: Placed
    after: State


class Host:
    """What :func:`load` gives. Safe to use from one thread; a stream's prompt from any."""

    def __init__(
        self,
        folder: Path,
        bundle: Bundle,
        precision: Precision,
        provider: str,
        threads: int,
        joints: Joints,
        portable: bool,
        check: bool,
        spin: bool = False,
    ) -> None:
        self.folder, self.bundle, self.provider = folder, bundle, provider
        self._threads, self._spin = threads, spin
        name = "primitive" if joints == "predicted" else "primitive_body"
        self._model = model_of(bundle, name, folder)
        self._file = file_of(self._model, precision, portable, folder)
        text = bundle.model("clip_text")
        self._text_file = None if text is None else text_file_of(text, precision, portable, folder)
        self._session: Optional[Any] = None
        self._lock = threading.Lock()
        self.features = Features(bundle)
        self.skeleton = from_bundle(bundle.skeleton)
        self._body = self.skeleton if joints == "body-model" else None
        self.embed = TextEncoder(bundle, bundle_json(folder).parent, self._open_text)
        self._check = Check(folder, self._files() if check else [])

    @property
    def label(self) -> str:
        """What must be said of this motion; "" for DART's own weights."""
        if self.bundle.kind == "sandbox":
            return "sandbox: weights of dartenv's own small project, not DART's"
        if self.bundle.kind == "plumbing":
            return "plumbing: stand-ins for " + ", ".join(self.bundle.stand_ins)
        return ""

    @property
    def notes(self) -> List[str]:
        """What went otherwise than asked: texts that were cut, a model below its gate."""
        below = self._file.below_gate
        found = [f"{self._file.path} is below its accuracy gate: {below}"] if below else []
        return found + self.embed.notes

    def schedule(self, respacing: Optional[str] = None) -> Schedule:
        """The sampler of that name or respacing, or the bundle's own. UsageFault: there is none."""
        found = self.bundle.sampler(respacing)
        if found is None:
            known = ", ".join(s.name for s in self.bundle.schedules)
            raise UsageFault(f"respacing {respacing!r}", f"one of: {known}")
        return found

    def start(self, batch: int = 1) -> State:
        """DART's seed motion, for every sample of a batch. UsageFault: no such batch."""
        if not 1 <= batch <= MOST_BATCH:
            raise UsageFault(f"batch {batch}", f"1 to {MOST_BATCH} motions at once")
        start = self.bundle.start

        def many(value: Any) -> Any:
            return np.repeat(np.asarray(value, dtype=np.float32)[None], batch, axis=0)

        world = World(many(start.world_rotation), many(start.world_translation)[:, None])
        return State(many(start.history), world)

    def step(
        self, state: State, text: Any, noise: Any, guidance: float, schedule: Schedule
    ) -> Step:
        """One motion primitive after ``state``.

        ``text`` [C] for all samples or [B, C]; ``noise`` [S + 1, B, T, Z]. UsageFault: guidance
        that is no number from 0 on, a sampler that the file has not.
        """
        batch = state.history.shape[0]
        feed = {
            "history": state.history,
            "text": np.broadcast_to(np.asarray(text, np.float32), (batch, self.bundle.sizes.text)),
            "noise": noise,
            "guidance": np.full((batch, 1), check_guidance(guidance), dtype=np.float32),
            "world_rotation": state.world.rotation,
            "world_translation": state.world.translation,
            "pelvis_offset": self._many(self.bundle.skeleton.pelvis_offset, batch),
        }
        session = self._primitive()
        if self._model.joints == "body-model":
            feed["rest_joints"] = self._many(self.bundle.skeleton.rest_joints, batch)
        if schedule.name != self.bundle.schedule:
            feed.update(self._sampler(session, schedule))
        out = self._run(session, feed)
        after = World(out["next_world_rotation"], out["next_world_translation"])
        placed = Placed(out["rotations"], out["translation"], out["joints"])
        self._check.passed()
        return Step(out["motion"], placed, State(out["next_history"], after))

    def _run(self, session: Any, feed: Dict[str, Any]) -> Dict[str, Any]:
        """The outputs by name. UsageFault: a graph that does not fit bundle.json, or ran out."""
        names = [value.name for value in session.get_outputs()]
        try:
            out = dict(zip(names, session.run(None, feed)))
        except Exception as error:  # ONNX Runtime's own classes have no common base of theirs
            self._check.passed()
            raise UsageFault(
                f"{self._file.path} does not run: {sessions.first_line(error)}",
                "the inputs that bundle.json describes",
            ) from None
        missing = [name for name in OUTPUTS if name not in out]
        if missing:
            raise UsageFault(f"{self._file.path} gives no {', '.join(missing)}", ", ".join(OUTPUTS))
        return out

    def generate(
        self,
        prompt: str,
        *,
        seed: int = 0,
        guidance: Optional[float] = None,
        respacing: Optional[str] = None,
        batch: int = 1,
    ) -> List[Motion]:
        """``batch`` motions of ``prompt`` (see :mod:`dartenv.runtime.prompt`), each of the seed's
        H frames and then N frames a primitive, as mld.rollout_mld writes.

        The same seed gives the same motion, whatever the batch: sample b has noise of its own.
        Raises UsageFault: a prompt, seed, guidance, respacing or batch that cannot be.
        """
        texts = spread(parse(prompt, self.bundle.skeleton.body))
        schedule = self.schedule(respacing)
        strength = check_guidance(self.bundle.guidance if guidance is None else guidance)
        state = self.start(batch)
        noise = Noise(self.bundle, schedule, seed, batch)
        embeddings = {text: self.embed(text) for text in dict.fromkeys(texts)}
        self.embed.close()  # two large models at once are not needed
        placed = [self.features.placed(self.features.denormalised(state.history), state.world)]
        for text in texts:
            made = self.step(state, embeddings[text], next(noise), strength, schedule)
            placed.append(made.placed)
            state = made.after
        return self._motions(placed, texts, batch)

    def stream(
        self,
        prompt: str = "",
        *,
        seed: int = 0,
        guidance: Optional[float] = None,
        respacing: Optional[str] = None,
    ) -> Any:
        """A :class:`dartenv.runtime.stream.Stream`: frames one at a time, for ever."""
        from dartenv.runtime.stream import Stream

        return Stream(self, prompt, seed, guidance, respacing)

    def canonical(self, frames: Any, world: World) -> State:
        """The state after frames [B, H, F] in units, of the primitive at ``world``."""
        return State(*self.features.canonical(frames, world, self._body))

    def _motions(self, parts: Sequence[Placed], texts: List[str], batch: int) -> List[Motion]:
        sizes = self.bundle.sizes
        said = (texts[0],) * sizes.history + tuple(t for t in texts for _ in range(sizes.future))
        whole = Placed(*(np.concatenate(arrays, axis=1) for arrays in zip(*parts)))
        return [
            Motion(
                self.skeleton,
                whole.rotations[sample],
                whole.translation[sample],
                self.bundle.fps,
                whole.joints[sample],
                said,
                self.label,
            )
            for sample in range(batch)
        ]

    def _many(self, value: Any, batch: int) -> Any:
        return np.repeat(np.asarray(value, dtype=np.float32)[None], batch, axis=0)

    def _sampler(self, session: Any, schedule: Schedule) -> Dict[str, Any]:
        if "sampler_timesteps" not in sessions.input_names(session):
            raise UsageFault(
                f"{self._file.path}: its sampler {self.bundle.schedule} is fixed",
                f"a file without .portable for {schedule.name}",
                f'dartenv export --respacing "{schedule.respacing}"',
            )
        return {
            "sampler_timesteps": np.asarray(schedule.timesteps, dtype=np.int64),
            "sampler_coefficients": np.asarray(schedule.coefficients, dtype=np.float32),
        }

    def _primitive(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = self._open(self._file)
            return self._session

    def _open_text(self) -> Any:
        if self._text_file is None:
            raise UsageFault(
                f"{self.folder}: the bundle has no clip_text model",
                "one, for a prompt with words",
                "dartenv export with ViT-B-32.pt in place",
            )
        return self._open(self._text_file)

    def _open(self, file: ModelFile) -> Any:
        path = file_path(self.folder, file)
        try:
            return sessions.open_session(path, file, self.provider, self._threads, self._spin)
        except UsageFault:
            self._check.passed()  # a changed file is the better reason
            raise

    def _files(self) -> List[BundleFile]:
        """The files that will be used, smallest first."""
        text = [] if self._text_file is None else [self._text_file]
        files: List[BundleFile] = [*self.bundle.files, *text, self._file]
        return sorted(files, key=lambda file: file.size)


def check_guidance(guidance: float) -> float:
    """``guidance`` where it can be meant: 0 ignores the text, 1 follows it plainly."""
    if not 0 <= guidance <= 1000:  # nan compares as false
        raise UsageFault(f"guidance {guidance}", "0 (no text) to 1000; DART's demos use 5")
    return float(guidance)


def load(
    folder: Union[str, Path],
    *,
    precision: Precision = "fp32",
    provider: str = "cpu",
    threads: int = 0,
    joints: Joints = "predicted",
    portable: bool = False,
    check: bool = True,
    spin: bool = False,
) -> Host:
    """The bundle in ``folder``, ready to run.

    ``provider`` cpu, cuda, directml, tensorrt or ONNX Runtime's own name; there is no fallback.
    ``joints``: whether histories keep the joints that the network predicts, or the body model's
    (DART's --use_predicted_joints). ``portable`` takes the files without operators of ONNX
    Runtime's own. ``check`` holds every file used against bundle.json's hash beside the loading;
    no motion is given out before that is done. ``spin`` lets waiting threads keep their cores: quicker
    where nothing else runs, slower where something does. Raises UsageFault naming what is missing.
    """
    folder = Path(folder)
    bundle = load_bundle(folder)
    check_bundle(bundle, str(bundle_json(folder)))
    full = sessions.provider_name(provider)
    threads = sessions.check_threads(threads)
    return Host(folder, bundle, precision, full, threads, joints, portable, check, spin)
