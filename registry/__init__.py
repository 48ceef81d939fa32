"""The register of accredited persons.

It knows nothing of exams: it receives signed outcome notices, keeps entries in versions, answers with signed
receipts, and lets anybody check what stands in it.
"""
