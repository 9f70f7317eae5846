package main

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"
)

const (
	labelName      = "app.kubernetes.io/name"
	labelInstance  = "app.kubernetes.io/instance"
	labelManagedBy = "app.kubernetes.io/managed-by"
)

func labelsOf(name string) map[string]string {
	return map[string]string{labelName: "nginx", labelInstance: name, labelManagedBy: "nginx-operator"}
}

// labelled returns the labels of a child: the user's, and ours.
func labelled(nginx *Nginx, users map[string]string) map[string]string {
	all := maps.Clone(users)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, labelsOf(nginx.Name))
	return all
}

func ownerOf(nginx *Nginx) *metaac.OwnerReferenceApplyConfiguration {
	return metaac.OwnerReference().
		WithAPIVersion(groupVersion.String()).WithKind("Nginx").WithName(nginx.Name).WithUID(nginx.UID).
		WithController(true).WithBlockOwnerDeletion(true)
}

// deployment is the desired Deployment, field for field the one that nginx-operator applies.
func deployment(nginx *Nginx) *appsac.DeploymentApplyConfiguration {
	labels := labelsOf(nginx.Name)
	container := coreac.Container().
		WithName("nginx").
		WithImage(nginx.Spec.Image).
		WithImagePullPolicy(nginx.Spec.ImagePullPolicy).
		WithPorts(coreac.ContainerPort().
			WithName("http").WithContainerPort(nginx.Spec.ContainerPort).WithProtocol(corev1.ProtocolTCP)).
		WithReadinessProbe(readinessProbe(nginx.Spec.Probes.Readiness)).
		WithLifecycle(coreac.Lifecycle().
			WithPreStop(coreac.LifecycleHandler().WithSleep(coreac.SleepAction().WithSeconds(5)))).
		WithSecurityContext(coreac.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithReadOnlyRootFilesystem(true).
			WithCapabilities(coreac.Capabilities().WithDrop("ALL"))).
		WithVolumeMounts(
			coreac.VolumeMount().WithName("tmp").WithMountPath("/tmp"),
			coreac.VolumeMount().WithName("cache").WithMountPath("/var/cache/nginx"))
	if wanted := nginx.Spec.Resources; wanted.Requests != nil || wanted.Limits != nil {
		container.WithResources(coreac.ResourceRequirements().WithRequests(wanted.Requests).WithLimits(wanted.Limits))
	}
	pod := coreac.PodSpec().
		WithContainers(container).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(35).
		WithSecurityContext(coreac.PodSecurityContext().
			WithRunAsNonRoot(true).WithRunAsUser(101).WithRunAsGroup(101).WithFSGroup(101).
			WithSeccompProfile(coreac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithNodeSelector(map[string]string{"kubernetes.io/os": "linux"}).
		WithTopologySpreadConstraints(coreac.TopologySpreadConstraint().
			WithMaxSkew(1).WithTopologyKey("kubernetes.io/hostname").
			WithWhenUnsatisfiable(corev1.ScheduleAnyway).
			WithLabelSelector(metaac.LabelSelector().WithMatchLabels(labels))).
		WithVolumes(
			coreac.Volume().WithName("tmp").WithEmptyDir(coreac.EmptyDirVolumeSource()),
			coreac.Volume().WithName("cache").WithEmptyDir(coreac.EmptyDirVolumeSource()))
	for _, secret := range nginx.Spec.ImagePullSecrets {
		pod.WithImagePullSecrets(coreac.LocalObjectReference().WithName(secret.Name))
	}
	return appsac.Deployment(nginx.Name, nginx.Namespace).
		WithLabels(labelled(nginx, nginx.Spec.Deployment.Labels)).
		WithAnnotations(nginx.Spec.Deployment.Annotations).
		WithOwnerReferences(ownerOf(nginx)).
		WithSpec(appsac.DeploymentSpec().
			WithReplicas(*nginx.Spec.Count).
			WithSelector(metaac.LabelSelector().WithMatchLabels(labels)).
			WithStrategy(appsac.DeploymentStrategy().
				WithType(appsv1.RollingUpdateDeploymentStrategyType).
				WithRollingUpdate(appsac.RollingUpdateDeployment().
					WithMaxSurge(intstr.FromString("25%")).WithMaxUnavailable(intstr.FromInt32(0)))).
			WithTemplate(coreac.PodTemplateSpec().WithLabels(labels).WithSpec(pod)))
}

func readinessProbe(wanted *corev1.Probe) *coreac.ProbeApplyConfiguration {
	probe := coreac.Probe().WithPeriodSeconds(5).WithFailureThreshold(2)
	if wanted != nil {
		probe.WithPeriodSeconds(wanted.PeriodSeconds).WithFailureThreshold(wanted.FailureThreshold)
	}
	return probe.WithTCPSocket(coreac.TCPSocketAction().WithPort(intstr.FromString("http")))
}

func service(nginx *Nginx) *coreac.ServiceApplyConfiguration {
	return coreac.Service(nginx.Name, nginx.Namespace).
		WithLabels(labelled(nginx, nginx.Spec.Service.Labels)).
		WithAnnotations(nginx.Spec.Service.Annotations).
		WithOwnerReferences(ownerOf(nginx)).
		WithSpec(coreac.ServiceSpec().
			WithType(nginx.Spec.Service.Type).
			WithSelector(labelsOf(nginx.Name)).
			WithPorts(coreac.ServicePort().
				WithName("http").WithPort(nginx.Spec.Service.Port).
				WithTargetPort(intstr.FromString("http")).WithProtocol(corev1.ProtocolTCP)))
}
