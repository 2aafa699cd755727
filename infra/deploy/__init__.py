"""What installs and deploys the project; nothing here is imported by the running system."""
