"""What a person should label next, so that few labels make many others right."""
