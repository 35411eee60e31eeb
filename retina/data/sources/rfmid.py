"""The columns of RFMiD's label table."""

DISEASES = tuple(
    "DR ARMD MH DN MYA BRVO TSLN ERM LS MS CSR ODC CRVO TV AH ODP ODE ST AION PT RT RS CRS EDN RPEC MHL RP CWS CB ODPM "  # noqa: SIM905 (a list of words reads best as words)
    "PRH MNF HR CRAO TD CME PTCR CF VH MCA VS BRAO PLQ HPED CL".split()
)
"""The 45 disease columns of RFMiD, in its own order (Pachade et al. 2021, doi 10.3390/data6020014)."""


OTHER = "OTHER"
"""The column of the grand-challenge copy for every disease that has no column there."""
