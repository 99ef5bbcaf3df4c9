"""The contract between plan and stages: cases, and what each stage depends on."""
