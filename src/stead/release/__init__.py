"""Releases: from the services' declarations to an immutable tree, its manifest and its name."""

from stead.release.recipe import Recipe, recipe_digest, recipe_of
from stead.release.sbom import Package
from stead.release.store import Release, ReleaseStore, host_restic

__all__ = ["Package", "Recipe", "Release", "ReleaseStore", "host_restic", "recipe_digest", "recipe_of"]
