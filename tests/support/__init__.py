"""Shared by tests: this package contains no test, and test packages import nothing else of one another.

On a bed:

    beds         brings a bed up for a level, and takes it down
    namespaces   a namespace for one test, and a look at what is in it
    product      the chart installed on a control plane, its two programs run as processes
    impatient    nginx-operator, for which a watch is stuck at once
    policies     policies of the webhooks, as options of Helm
    scc          OpenShift's restricted-v2, imitated
    answers      what a cluster answers about an Nginx
    kubelet      what a kubelet tells of a pod, told by a test
    health       what tools that wait make of an Nginx
    traffic      admissions and TLS handshakes beside what a test does
    load/        admissions at a steady rate, each answer judged
    node/        the chart installed on a real node, and what is done to it under load
    faults/      the operator as a process, behind a proxy that injects faults
    inventory    all objects in a cluster
    lifecycle    the objects of a release, by kind and label
    rights       what a ServiceAccount may do, and what it did
    roles        the chart's roles, right by right
    ladder       the charts and programs of five future releases with other API versions

Without one:

    apiserver/   the API server of unit tests
    admission    admission by the webhooks, for that API server
    webhooks/    certificates, reviews and processes of the webhooks
    tokens       tokens of ServiceAccounts
    waiting      waits for a condition on the event loop
    observations  what one reconcile may have seen
    specs        Hypothesis strategies for specs
    fuzz/        mutated reviews, and what no answer to one may be
    nginx_configurations  configurations in the manner of those that people publish, and how they break
    manifests    manifests with faults around the spec
    reconciling  a reconciler that is called by hand
    rendering    renders the chart with Helm
    differences  renderings as their differences to the default one
    docs/        runs the commands of the documentation

A run:

    campaign     the size of a run
    report       the closing report
"""
