"""Policies of the webhooks, as options of Helm."""


def policy(*pairs: str) -> list[str]:
    """Sets fields of `webhooks.policy`, each given as PATH=VALUE."""
    return [word for pair in pairs for word in ("--set", f"webhooks.policy.{pair}")]


#: A namespace with a policy of its own, which every install of the tests has.
WITH_POLICY = "with-policy"
OWN_POLICY = policy(f"namespaces.{WITH_POLICY}.maxCount=3", f"namespaces.{WITH_POLICY}.defaultCount=2")
#: A class of namespaces.
BIG = policy(
    "classes[0].name=big",
    "classes[0].selector.key=example.com/size",
    "classes[0].selector.operator=In",
    "classes[0].selector.values={big,huge}",
    "classes[0].maxCount=8",
    "classes[0].defaultCount=6",
)
