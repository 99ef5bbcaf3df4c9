"""Scenes to pixels with Blender: the only room that imports bpy."""
