"""Language models on servers: a client of OpenAI's chat completions, and questions about images."""
