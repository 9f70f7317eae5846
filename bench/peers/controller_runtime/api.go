package main

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "proxy.example.com", Version: "v1alpha1"}

// Nginx is the CRD's kind, as far as the benchmark uses it.
type Nginx struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   NginxSpec   `json:"spec,omitempty"`
	Status NginxStatus `json:"status,omitempty"`
}

type NginxSpec struct {
	Count            *int32                        `json:"count,omitempty"`
	Image            string                        `json:"image,omitempty"`
	ImagePullPolicy  corev1.PullPolicy             `json:"imagePullPolicy,omitempty"`
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
	Resources        corev1.ResourceRequirements   `json:"resources,omitempty"`
	ContainerPort    int32                         `json:"containerPort,omitempty"`
	Probes           ProbesSpec                    `json:"probes,omitempty"`
	Deployment       DeploymentSpec                `json:"deployment,omitempty"`
	Service          ServiceSpec                   `json:"service,omitempty"`
	Paused           bool                          `json:"paused,omitempty"`
}

type ProbesSpec struct {
	Readiness *corev1.Probe `json:"readiness,omitempty"`
}

type DeploymentSpec struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type ServiceSpec struct {
	Enabled     *bool              `json:"enabled,omitempty"`
	Port        int32              `json:"port,omitempty"`
	Type        corev1.ServiceType `json:"type,omitempty"`
	Labels      map[string]string  `json:"labels,omitempty"`
	Annotations map[string]string  `json:"annotations,omitempty"`
}

type NginxStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Nodes              []string           `json:"nodes,omitempty"`
	Count              int32              `json:"count"`
	ReadyCount         int32              `json:"readyCount"`
	Selector           string             `json:"selector,omitempty"`
	Image              string             `json:"image,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type NginxList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Nginx `json:"items"`
}

func addToScheme(scheme *runtime.Scheme) {
	scheme.AddKnownTypes(groupVersion, &Nginx{}, &NginxList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
}

// DeepCopyInto is what controller-gen would write.
func (in *Nginx) DeepCopyInto(out *Nginx) {
	*out = *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	in.Spec.DeepCopyInto(&out.Spec)
	out.Status.Nodes = slices.Clone(in.Status.Nodes)
	if in.Status.Conditions != nil {
		out.Status.Conditions = make([]metav1.Condition, len(in.Status.Conditions))
		for i := range in.Status.Conditions {
			in.Status.Conditions[i].DeepCopyInto(&out.Status.Conditions[i])
		}
	}
}

func (in *NginxSpec) DeepCopyInto(out *NginxSpec) {
	if in.Count != nil {
		count := *in.Count
		out.Count = &count
	}
	out.ImagePullSecrets = slices.Clone(in.ImagePullSecrets)
	in.Resources.DeepCopyInto(&out.Resources)
	out.Probes.Readiness = in.Probes.Readiness.DeepCopy()
	out.Deployment.Labels = maps.Clone(in.Deployment.Labels)
	out.Deployment.Annotations = maps.Clone(in.Deployment.Annotations)
	out.Service.Labels = maps.Clone(in.Service.Labels)
	out.Service.Annotations = maps.Clone(in.Service.Annotations)
}

func (in *Nginx) DeepCopy() *Nginx {
	out := new(Nginx)
	in.DeepCopyInto(out)
	return out
}

func (in *Nginx) DeepCopyObject() runtime.Object { return in.DeepCopy() }

func (in *NginxList) DeepCopyObject() runtime.Object {
	out := &NginxList{TypeMeta: in.TypeMeta, ListMeta: *in.ListMeta.DeepCopy(), Items: make([]Nginx, len(in.Items))}
	for i := range in.Items {
		in.Items[i].DeepCopyInto(&out.Items[i])
	}
	return out
}
