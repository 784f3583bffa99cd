from .card import WeightCard as WeightCard
from .card import parse_card as parse_card
from .card import shipped_weights as shipped_weights
