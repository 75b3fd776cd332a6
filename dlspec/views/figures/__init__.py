"""Figures of what a model gives, from arrays alone: neighbours, maps, groups, outliers, distances of features."""
