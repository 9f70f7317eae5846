"""The life of a release where no pod has to run: what Helm, kubectl and GitOps tools make of it, and how it ends."""
