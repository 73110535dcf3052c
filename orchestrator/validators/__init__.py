"""Those who judge work by looking at it: are the files there, does the change stay where it belongs."""
