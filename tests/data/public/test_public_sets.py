"""Each public set in its true layout, written small by the test, read into rows: labels, sessions, licences."""

import json

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.labels import class_of
from tocsin.data.public.labels import ESC50, FSD, fsd_label
from tocsin.data.public.public_sets import (
    read_cadre,
    read_esc50,
    read_fsd50k,
    read_fsdkaggle2018,
    read_tut_rare_2017,
    read_urbansound8k,
)
from tocsin.data.splits import assert_no_leak


@pytest.fixture
def write(tmp_path):
    def to(name, text=None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            soundfile.write(path, np.zeros(4000), 8000)
        else:
            path.write_text(text)
        return path

    return to


def brief(rows):
    return {row.path.name: (row.label, row.class_name, row.session_id, row.quality) for row in rows}


def test_urbansound8k(write, tmp_path):
    header = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
    table = "7-6-0-0.wav,7,0.0,0.5,1,5,6,gun_shot\n9-2-1-0.wav,9,1.0,1.5,2,1,2,children_playing\n"
    write("UrbanSound8K/metadata/UrbanSound8K.csv", header + table)
    write("UrbanSound8K/audio/fold5/7-6-0-0.wav")
    with pytest.raises(TocsinError, match=r"names .*fold1/9-2-1-0\.wav, which is not there"):
        read_urbansound8k(tmp_path)
    write("UrbanSound8K/audio/fold1/9-2-1-0.wav")
    rows = read_urbansound8k(tmp_path)
    assert brief(rows) == {
        "7-6-0-0.wav": ("gun_shot", "gunshot", "freesound_7", "ok"),
        "9-2-1-0.wav": ("children_playing", "background", "freesound_9", "weak_event"),
    }
    assert (rows[0].end_s, rows[0].extra["fold"], rows[0].licence) == (0.5, "5", "CC BY-NC 3.0")
    assert read_urbansound8k(tmp_path / "UrbanSound8K") == rows


def test_esc50_maps_its_fifty_categories_and_shares_sessions_with_the_other_sets(write, tmp_path):
    assert len(ESC50) == 50
    assert all(class_of(label) for label in ESC50.values())
    header = "filename,fold,target,category,esc10,src_file,take\n"
    write(
        "ESC-50-master/meta/esc50.csv",
        header + "1-7-A-0.wav,1,0,dog,True,7,A\n2-8-A-20.wav,2,20,crying_baby,False,8,A\n",
    )
    write("ESC-50-master/audio/1-7-A-0.wav")
    write("ESC-50-master/audio/2-8-A-20.wav")
    rows = read_esc50(tmp_path)
    assert brief(rows) == {
        "1-7-A-0.wav": ("dog_bark", "impulse", "freesound_7", "ok"),
        "2-8-A-20.wav": ("voices", "background", "freesound_8", "ok"),
    }
    assert [row.licence for row in rows] == ["CC BY 3.0", "CC BY-NC 3.0"]


def test_fsd50k_has_one_class_a_clip_and_its_licence(write, tmp_path):
    dev = 'fname,labels,mids,split\n1,"Gunshot_and_gunfire,Explosion",x,train\n2,"Crushing",x,val\n3,Explosion,x,val\n'
    write("FSD50K.ground_truth/dev.csv", dev)
    write("FSD50K.ground_truth/eval.csv", 'fname,labels,mids\n4,"Siren,Alarm",x\n')
    write("FSD50K.metadata/dev_clips_info_FSD50K.json", json.dumps({"1": {"license": "CC0", "uploader": "someone"}}))
    for name in ("dev_audio/1", "dev_audio/3", "eval_audio/4"):
        write(f"FSD50K.{name}.wav")
    rows = read_fsd50k(tmp_path)
    assert brief(rows) == {
        "1.wav": ("gunshot", "gunshot", "freesound_1", "ok"),
        "3.wav": ("explosion", "impulse", "freesound_3", "unverified"),
        "4.wav": ("siren", "background", "freesound_4", "ok"),
    }
    assert (rows[0].licence, rows[0].extra) == ("CC0", {"fold": "train", "uploader": "someone"})


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (["Gunshot_and_gunfire", "Explosion", "Speech"], "gunshot"),
        (["Fireworks", "Explosion"], "fireworks"),
        (["Fireworks", "Gunshot_and_gunfire", "Explosion"], None),
        (["Boom", "Explosion"], "explosion"),
        (["Rain", "Thunder", "Thunderstorm"], "thunder"),
        (["Slam", "Door", "Domestic_sounds_and_home_sounds"], "slam"),
        (["Human_voice", "Speech"], "voices"),
        (["Crushing"], None),
    ],
)
def test_fsd_label_of_a_clip_with_several_names(names, label):
    assert fsd_label(names) == label


def test_every_fsd_name_has_a_class():
    assert {class_of(label) for label in FSD.values()} == {"gunshot", "fireworks", "impulse", "background"}


def test_fsdkaggle2018_marks_unverified_labels(write, tmp_path):
    train = "fname,label,manually_verified,freesound_id,license\n"
    train += "a.wav,Gunshot_or_gunfire,1,11,CC0\nb.wav,Fireworks,0,12,CC-BY\n"
    write("FSDKaggle2018.meta/train_post_competition.csv", train)
    test = "fname,label,usage,freesound_id,license\nc.wav,Knock,Public,13,CC0\nd.wav,Fart,Private,14,CC0\n"
    write("FSDKaggle2018.meta/test_post_competition_scoring_clips.csv", test)
    for name in ("train/a", "train/b", "test/c"):
        write(f"FSDKaggle2018.audio_{name}.wav")
    assert brief(read_fsdkaggle2018(tmp_path)) == {
        "a.wav": ("gunshot", "gunshot", "freesound_11", "ok"),
        "b.wav": ("fireworks", "fireworks", "freesound_12", "unverified"),
        "c.wav": ("door_knock", "impulse", "freesound_13", "ok"),
    }


def test_cadre_is_one_session_that_never_enters_weights(write, tmp_path):
    for name in ("Glock/ZM_001A_S01.wav", "Glock/SA_001A_S01.wav", "notes.wav"):
        write(name)
    rows = read_cadre(tmp_path)
    assert {(row.device, row.recording_id, row.session_id, row.use) for row in rows} == {
        ("ZM", "cadre_001A", "cadre_range", "evaluate"),
        ("SA", "cadre_001A", "cadre_range", "evaluate"),
    }
    assert len({row.extra["event_id"] for row in rows}) == 1
    with pytest.raises(TocsinError, match=r"names such as ZM_001A_S01\.wav"):
        read_cadre(write("other/x.wav").parent)


def test_tut_rare_reads_annotated_events_and_whole_backgrounds(write, tmp_path):
    base = "TUT-rare-sound-events-2017-development/data/source_data"
    about = "license: !!python/unicode 'CC0'\nvalid_segments:\n- [0.1, 0.3]\n- !!python/tuple [0.35, 0.45]\n"
    write(f"{base}/events/gunshot/21.yaml", about)
    write(f"{base}/events/gunshot/21.wav")
    write(f"{base}/bgs/audio/a001_0_30.wav")
    write(f"{base}/bgs/audio/a001_30_60.wav")
    rows = read_tut_rare_2017(tmp_path)
    assert [(row.label, row.start_s, row.end_s, row.session_id, row.licence) for row in rows[:2]] == [
        ("gunshot", 0.1, 0.3, "freesound_21", "CC0"),
        ("gunshot", 0.35, 0.45, "freesound_21", "CC0"),
    ]
    assert {(row.class_name, row.session_id) for row in rows[2:]} == {("background", "tut_a001")}
    with pytest.raises(TocsinError, match="leaks"):
        assert_no_leak(rows[2:3], rows[3:])
    write(f"{base}/events/gunshot/21.yaml", "licence: CC0\n")
    with pytest.raises(TocsinError, match=r"21\.yaml: expected valid_segments"):
        read_tut_rare_2017(tmp_path)


def test_folder_that_is_not_the_set_is_named_with_what_was_expected(tmp_path):
    with pytest.raises(TocsinError, match=r"holds no metadata/UrbanSound8K\.csv: expected the set as published"):
        read_urbansound8k(tmp_path)
