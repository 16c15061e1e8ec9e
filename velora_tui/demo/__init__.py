"""The embedded fleet: real SSH servers and a real S3 endpoint on loopback, small real tasks, a scripted agent."""
