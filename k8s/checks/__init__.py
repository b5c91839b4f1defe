"""The checks of k8s/base and of the Dockerfile: what a cluster or a registry would find out too late."""
