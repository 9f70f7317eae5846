"""What is in the image, as CycloneDX: Debian's packages and Python's, each by the name that scanners look up.

What a Python wheel bundles (OpenSSL in cryptography, libuv in uvloop) is in no list of the image, so not here.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from release.contents import Contents

DISTRIBUTION = "debian-12"
CLASSIFIER = "License :: OSI Approved :: "


def written(contents: Contents, image: str, epoch: int) -> str:
    """Return the bill of materials as JSON of CycloneDX 1.6, which every current scanner reads.

    Args:
        contents: what is in the image.
        image: its name, with its tag.
        epoch: the time of the commit, in seconds.
    """
    whole = _image(contents, image)
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{contents.digest}"),  # the same image has the same one
        metadata=BomMetaData(timestamp=datetime.fromtimestamp(epoch, UTC), component=whole),
        components=[*map(_debian, contents.debian), *map(_python, contents.python)],
    )
    bom.register_dependency(whole, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _image(contents: Contents, image: str) -> Component:
    name, _, version = image.rpartition(":")
    return Component(
        type=ComponentType.CONTAINER,
        name=name,
        version=version,
        bom_ref=image,
        # The id is of the configuration, which names all layers, unpacked: registries may pack them as they like.
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=contents.digest)],
        properties=[Property(name="oci:image:architecture", value=contents.architecture)],
    )


def _debian(package: Message) -> Component:
    name, version = str(package["Package"]), str(package["Version"])
    qualifiers = {"arch": str(package["Architecture"]), "distro": DISTRIBUTION}
    if source := package["Source"]:
        # Advisories are of source packages: `perl (5.36.0-7+deb12u3)`, the version only where it is another.
        qualifiers["upstream"] = re.sub(r" \((.*)\)", r"@\1", source)
    purl = PackageURL("deb", "debian", name, version, qualifiers)
    return Component(
        name=name,
        version=version,
        bom_ref=purl.to_string(),
        purl=purl,
        description=str(package["Description"]).partition("\n")[0],
        supplier=OrganizationalEntity(name=str(package["Maintainer"])),
    )


def _python(package: Message) -> Component:
    name, version = str(package["Name"]), str(package["Version"])
    purl = PackageURL("pypi", None, canonical(name), version)
    return Component(
        name=name,
        version=version,
        bom_ref=purl.to_string(),
        purl=purl,
        description=package["Summary"],
        licenses=list(_licences(package)),
    )


def canonical(name: str) -> str:
    """Return a Python package's name as registries and lock files write it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _licences(package: Message) -> Iterator[License]:
    """Yield what the package says of its licence: one expression, or else one name, or else its classifiers."""
    factory = LicenseFactory()
    told = package["License-Expression"] or package["License"]
    if told and "\n" not in told:  # some put the whole text there
        yield factory.make_from_string(told)
        return
    for classifier in package.get_all("Classifier", []):
        if classifier.startswith(CLASSIFIER):
            yield factory.make_from_string(classifier.removeprefix(CLASSIFIER))
