"""Typed ids. Pure: where new ones come from is the database (identity columns) or core.randomness."""

from typing import NewType

PersonId = NewType("PersonId", int)
SittingId = NewType("SittingId", int)
WindowId = NewType("WindowId", int)
BookingId = NewType("BookingId", int)
IncidentId = NewType("IncidentId", int)
ProtocolId = NewType("ProtocolId", int)
ItemId = NewType("ItemId", str)
ChoiceId = NewType("ChoiceId", str)
"""An option of a four-option item or an action of a case: an opaque text, never a letter or a place."""
BlueprintId = NewType("BlueprintId", str)
RegisterNumber = NewType("RegisterNumber", str)
BlobId = NewType("BlobId", str)
AssetId = NewType("AssetId", str)
"""A picture that items show."""
