"""The gallery of broken layers: each has one named defect, and a right twin."""

from tests.galleries.broken import misconduct, wrong_numbers

BROKEN = (*wrong_numbers.TABLE, *misconduct.TABLE)
