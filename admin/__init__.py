"""The staff side: proctors, commission, methodologists, register keepers, operators."""
