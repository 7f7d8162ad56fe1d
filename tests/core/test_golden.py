"""Old state read by new code: it goes on exactly, or is refused with both versions named; never guessed at."""

from __future__ import annotations

import pytest

from jobs.stream.chain import Chain
from jobs.stream.errors import UnreadableStateError
from jobs.stream.restore import apply
from pipeline.batch import Marker
from pipeline.records import STATE_VERSION
from pipeline.statechecks import StateError
from pipeline.store import MARKER_KEY, pack_marker
from tests.core import golden
from tests.core.golden import Golden
from tests.core.harness import FOREVER, Sink, batch, differences, pipeline, run, slices
from tests.stream.records import record

FILES = list(golden.all_files())


def restored(file: Golden) -> dict[bytes, bytes]:
    """As a worker restores it: the chain of markers is followed."""
    state: dict[bytes, bytes] = {}
    markers = Chain("changelog[0]")
    apply(state, markers, [record(place, key, value) for place, (key, value) in enumerate(file.records)])
    markers.finish()
    return state


def test_this_version_has_a_file() -> None:
    """`python -m tests.core.golden` writes it when the version changes."""
    assert STATE_VERSION in {file.version for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"state-{file.version}")
def test_old_state_goes_on_or_is_refused(file: Golden) -> None:
    if file.version != STATE_VERSION:
        with pytest.raises(UnreadableStateError, match=rf"version {file.version}, this program reads {STATE_VERSION}"):
            restored(file)
        with pytest.raises(StateError):
            pipeline(FOREVER, {key: value for key, value in file.records if value is not None})
        return
    state = restored(file)
    sink, old = Sink(), pipeline(FOREVER, {})
    for part in slices(file.before, golden.SIZE):
        sink.take(old.process([part]))
    heir = pipeline(FOREVER, state)
    assert heir.marker == old.marker
    sink.take(heir.process([batch(file.after, len(file.before))]))
    assert differences(run([*file.before, *file.after], policy=FOREVER).tables, sink.tables) == []


def test_what_is_written_now_is_what_the_file_says() -> None:
    """Another layout under the same version would be read as something else by the version before."""
    (file,) = (file for file in FILES if file.version == STATE_VERSION)
    written, held = golden.changelog(file.before), file.records
    assert [key for key, _ in written] == [key for key, _ in held]
    assert [len(value or b"") for _, value in written] == [len(value or b"") for _, value in held]


@pytest.mark.parametrize("version", [1, STATE_VERSION + 1])
def test_a_marker_of_another_version_is_refused_before_anything_is_read(version: int) -> None:
    """Whatever the layout of the rest: the worker follows the markers first."""
    written = pack_marker(Marker(4, -1, 0, 0))
    other = written[:32] if version == 1 else written[:32] + version.to_bytes(8, "little")
    with pytest.raises(UnreadableStateError, match=f"version {version}, this program reads {STATE_VERSION}") as error:
        Chain("changelog[0]").record(MARKER_KEY, other)
    assert "application id" in error.value.action
