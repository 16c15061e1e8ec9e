"""Task images: objects in S3, later Docker daemons."""
