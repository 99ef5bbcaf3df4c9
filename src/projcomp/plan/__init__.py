"""What a run consists of: loaded, checked, resolved once; its jobs, tables, figures and files."""
