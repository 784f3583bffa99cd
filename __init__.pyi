from . import acoustics as acoustics
from . import data as data
from . import inference as inference
from . import localization as localization
from . import models as models
from .data.audio import read_audio as read_audio
from .data.dataframes import Table as Table
from .inference.array_recording import detect_array as detect_array
from .inference.array_recording import read_array_recording as read_array_recording
from .inference.audio_model import AudioModel as AudioModel
from .inference.audio_model import Classification as Classification
from .inference.audio_model import load_model as load_model
from .inference.detection import Detection as Detection
from .inference.detection import read_detections as read_detections
from .inference.detection import write_detections as write_detections
from .inference.pick import Event as Event
from .localization.incidents.grouping import Incident as Incident
from .localization.incidents.grouping import incidents_of as incidents_of
from .localization.incidents.shot import Shot as Shot
from .localization.locate import locate as locate
from .localization.observation.travel import Air as Air
from .localization.observation.travel import air_of as air_of
from .localization.stream.fusion import Fusion as Fusion

__version__: str

class TocsinError(Exception): ...
