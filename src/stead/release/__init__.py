"""Releases: from the services' declarations to an immutable tree, its manifest and its name."""

from stead.release.built import Release, host_restic
from stead.release.opener import opener
from stead.release.recipe import Recipe, recipe_digest, recipe_of
from stead.release.sbom import Package
from stead.release.store import ReleaseStore

__all__ = ["Package", "Recipe", "Release", "ReleaseStore", "host_restic", "opener", "recipe_digest", "recipe_of"]
