// A program of one's own needs one import.
@_exported import PictureDrawing
@_exported import Torch
@_exported import VQABatches
@_exported import VQADatasets
@_exported import VQAFeatures
@_exported import VQAModels
@_exported import VQASettings
@_exported import VQATraining
@_exported import VQAVision
