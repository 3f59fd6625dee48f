"""What a fact, a topic, a table and a setting is. Imports nothing of ours."""
