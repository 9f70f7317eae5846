package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	fieldOwner = client.FieldOwner("controller-runtime-peer")
	podsOf     = "nginx" // index of pods by the Nginx that their instance label names
)

type reconciler struct {
	client.Client
	live   client.Reader // reads past the caches, which hold only what bears our labels
	events events.EventRecorder
}

func (r *reconciler) setUp(mgr ctrl.Manager) error {
	index := func(object client.Object) []string { return []string{object.GetLabels()[labelInstance]} }
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), &corev1.Pod{}, podsOf, index); err != nil {
		return err
	}
	toNginx := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, pod client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{
			Namespace: pod.GetNamespace(), Name: pod.GetLabels()[labelInstance]}}}
	})
	return ctrl.NewControllerManagedBy(mgr).
		For(&Nginx{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Watches(&corev1.Pod{}, toNginx, builder.WithPredicates(readinessChanges())).
		WithOptions(controller.Options{MaxConcurrentReconciles: 16}).
		Complete(r)
}

// readinessChanges drops updates of pods that the status does not tell of.
func readinessChanges() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.(*corev1.Pod), e.ObjectNew.(*corev1.Pod)
		return ready(before) != ready(after) ||
			(before.DeletionTimestamp == nil) != (after.DeletionTimestamp == nil)
	}}
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	nginx := &Nginx{}
	if err := r.Get(ctx, request.NamespacedName, nginx); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if nginx.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	live, did, err := r.applyDeployment(ctx, nginx)
	if err != nil {
		return ctrl.Result{}, err
	}
	didToo, err := r.applyService(ctx, nginx)
	if err != nil {
		return ctrl.Result{}, err
	}
	if did+didToo != "" {
		reason := "Updated"
		if strings.Contains(did+didToo, "created") {
			reason = "Created"
		}
		r.events.Eventf(nginx, nil, corev1.EventTypeNormal, reason, "Apply", "%s%s", did, didToo)
	}
	return ctrl.Result{}, r.report(ctx, nginx, live)
}

// applied is a child as it is sent; resourceVersion can be set on it.
type applied[T any] interface {
	runtime.ApplyConfiguration
	WithResourceVersion(string) T
}

// create applies a child that the cache does not know, but only if nothing bears its name: no object has version 1, so
// one that is there answers 409. It is applied nevertheless if it is ours, and the cache is late.
func create[T applied[T]](ctx context.Context, r *reconciler, nginx *Nginx, desired T, child client.Object) error {
	err := r.Apply(ctx, desired.WithResourceVersion("1"), fieldOwner, client.ForceOwnership)
	if !apierrors.IsConflict(err) {
		return err
	}
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(nginx), child); err != nil {
		return err
	}
	if !metav1.IsControlledBy(child, nginx) {
		return fmt.Errorf("%T %s belongs to somebody else", child, child.GetName())
	}
	return r.Apply(ctx, desired.WithResourceVersion(child.GetResourceVersion()), fieldOwner, client.ForceOwnership)
}

// applyDeployment applies only what differs: an apply without effect is still a request. It returns what is live.
func (r *reconciler) applyDeployment(ctx context.Context, nginx *Nginx) (*appsv1.Deployment, string, error) {
	live := &appsv1.Deployment{}
	err := r.Get(ctx, client.ObjectKeyFromObject(nginx), live)
	switch {
	case nginx.Spec.Paused:
		return live, "", client.IgnoreNotFound(err)
	case apierrors.IsNotFound(err):
		if err := create(ctx, r, nginx, deployment(nginx), live); err != nil {
			return nil, "", fmt.Errorf("create Deployment: %w", err)
		}
		return nil, "Deployment is created. ", nil
	case err != nil:
		return nil, "", err
	case metav1.IsControlledBy(live, nginx) && deploymentIsAsDesired(live, nginx):
		return live, "", nil
	}
	if err := r.Apply(ctx, deployment(nginx), fieldOwner, client.ForceOwnership); err != nil {
		return nil, "", fmt.Errorf("apply Deployment: %w", err)
	}
	return nil, "Deployment is updated. ", nil
}

func (r *reconciler) applyService(ctx context.Context, nginx *Nginx) (string, error) {
	live := &corev1.Service{}
	err := r.Get(ctx, client.ObjectKeyFromObject(nginx), live)
	enabled := nginx.Spec.Service.Enabled == nil || *nginx.Spec.Service.Enabled
	switch {
	case nginx.Spec.Paused:
		return "", client.IgnoreNotFound(err)
	case apierrors.IsNotFound(err):
		if !enabled {
			return "", nil
		}
		if err := create(ctx, r, nginx, service(nginx), live); err != nil {
			return "", fmt.Errorf("create Service: %w", err)
		}
		return "Service is created.", nil
	case err != nil:
		return "", err
	case !enabled:
		if !metav1.IsControlledBy(live, nginx) {
			return "", nil
		}
		exactly := client.Preconditions{UID: &live.UID, ResourceVersion: &live.ResourceVersion}
		return "Service is deleted.", client.IgnoreNotFound(r.Delete(ctx, live, exactly))
	case metav1.IsControlledBy(live, nginx) && serviceIsAsDesired(live, nginx):
		return "", nil
	}
	if err := r.Apply(ctx, service(nginx), fieldOwner, client.ForceOwnership); err != nil {
		return "", fmt.Errorf("apply Service: %w", err)
	}
	return "Service is updated.", nil
}

func deploymentIsAsDesired(live *appsv1.Deployment, nginx *Nginx) bool {
	wanted, pod := &nginx.Spec, &live.Spec.Template.Spec
	container := &pod.Containers[0]
	return *live.Spec.Replicas == *wanted.Count &&
		container.Image == wanted.Image &&
		container.ImagePullPolicy == wanted.ImagePullPolicy &&
		container.Ports[0].ContainerPort == wanted.ContainerPort &&
		slices.Equal(pod.ImagePullSecrets, wanted.ImagePullSecrets) &&
		sameAmounts(container.Resources.Requests, wanted.Resources.Requests) &&
		sameAmounts(container.Resources.Limits, wanted.Resources.Limits) &&
		(wanted.Probes.Readiness == nil ||
			container.ReadinessProbe.PeriodSeconds == wanted.Probes.Readiness.PeriodSeconds &&
				container.ReadinessProbe.FailureThreshold == wanted.Probes.Readiness.FailureThreshold) &&
		holds(live.Labels, wanted.Deployment.Labels) &&
		holds(live.Annotations, wanted.Deployment.Annotations)
}

func serviceIsAsDesired(live *corev1.Service, nginx *Nginx) bool {
	wanted := &nginx.Spec.Service
	return live.Spec.Ports[0].Port == wanted.Port &&
		live.Spec.Type == wanted.Type &&
		holds(live.Labels, wanted.Labels) &&
		holds(live.Annotations, wanted.Annotations)
}

func sameAmounts(one, other corev1.ResourceList) bool {
	return maps.EqualFunc(one, other, func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })
}

func holds(live, wanted map[string]string) bool {
	for key, value := range wanted {
		if found, there := live[key]; !there || found != value {
			return false
		}
	}
	return true
}

func (r *reconciler) report(ctx context.Context, nginx *Nginx, live *appsv1.Deployment) error {
	pods := &corev1.PodList{}
	inCache := []client.ListOption{client.InNamespace(nginx.Namespace), client.MatchingFields{podsOf: nginx.Name},
		client.UnsafeDisableDeepCopy}
	if err := r.List(ctx, pods, inCache...); err != nil {
		return err
	}
	before := nginx.DeepCopy()
	nginx.Status = status(nginx, live, pods.Items)
	if equality.Semantic.DeepEqual(before.Status, nginx.Status) {
		return nil
	}
	return client.IgnoreNotFound(r.Status().Patch(ctx, nginx, client.MergeFrom(before), fieldOwner))
}

func status(nginx *Nginx, live *appsv1.Deployment, pods []corev1.Pod) NginxStatus {
	next := NginxStatus{
		ObservedGeneration: nginx.Generation,
		Image:              nginx.Spec.Image,
		Selector:           labels.SelectorFromSet(labelsOf(nginx.Name)).String(),
		Conditions:         slices.Clone(nginx.Status.Conditions),
	}
	for i := range pods {
		pod := &pods[i]
		if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed ||
			!ownedBy(pod, nginx.Name) {
			continue
		}
		next.Nodes = append(next.Nodes, pod.Name)
		if ready(pod) {
			next.ReadyCount++
		}
	}
	slices.Sort(next.Nodes)
	next.Count = int32(len(next.Nodes))
	wanted := *nginx.Spec.Count
	is := metav1.Condition{
		Status: metav1.ConditionFalse, Reason: "Progressing", ObservedGeneration: nginx.Generation,
		Message: fmt.Sprintf("%d of %d pods are ready", next.ReadyCount, wanted),
	}
	rolledOut := live != nil && live.Status.ObservedGeneration >= live.Generation && live.Status.UpdatedReplicas == wanted
	if rolledOut && next.ReadyCount == wanted && next.Count == wanted && wanted > 0 {
		is.Status, is.Reason, is.Message = metav1.ConditionTrue, "Ready", fmt.Sprintf("all %d pods are ready", wanted)
	}
	progressing := is
	progressing.Status = metav1.ConditionFalse
	if is.Reason == "Progressing" {
		progressing.Status = metav1.ConditionTrue
	}
	is.Type, progressing.Type = "Ready", "Progressing"
	meta.SetStatusCondition(&next.Conditions, is)
	meta.SetStatusCondition(&next.Conditions, progressing)
	return next
}

func ready(pod *corev1.Pod) bool {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodReady {
			return pod.Status.Conditions[i].Status == corev1.ConditionTrue
		}
	}
	return false
}

// ownedBy tells whether a ReplicaSet of the Deployment of this name controls the pod: anybody can set labels.
func ownedBy(pod *corev1.Pod, name string) bool {
	owner := metav1.GetControllerOf(pod)
	hash, found := strings.CutPrefix(ownerName(owner), name+"-")
	return found && owner.Kind == "ReplicaSet" && hash == pod.Labels["pod-template-hash"]
}

func ownerName(owner *metav1.OwnerReference) string {
	if owner == nil {
		return ""
	}
	return owner.Name
}
