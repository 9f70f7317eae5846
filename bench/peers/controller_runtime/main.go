// An operator on controller-runtime that does for the benchmark exactly what nginx-operator does: server-side apply of
// a Deployment and a Service unless somebody else's bear their names, pods found by unique labels, a status with nodes
// and conditions, an Event for what was done. It is meant to be what a Go engineer would be content with: watches
// selected by label, caches stripped of what is not read, an index of pods by owner, no apply and no status write where
// nothing differs, an apply of version 1 instead of a read before each creation, and the client's throttle out of the
// way.
package main

import (
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func main() {
	ctrl.SetLogger(zap.New())
	if err := run(); err != nil {
		ctrl.Log.Error(err, "ending")
		os.Exit(1)
	}
}

func run() error {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	addToScheme(scheme)
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 1000, 2000
	selected := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{labelName: "nginx", labelManagedBy: "nginx-operator"})}
	pods := selected
	pods.Transform = stripPod
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme,
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			ByObject: map[client.Object]cache.ByObject{
				&appsv1.Deployment{}: selected,
				&corev1.Service{}:    selected,
				&corev1.Pod{}:        pods,
			},
		},
		Metrics: server.Options{BindAddress: "0"},
	})
	if err != nil {
		return err
	}
	ours := &reconciler{Client: mgr.GetClient(), live: mgr.GetAPIReader(), events: mgr.GetEventRecorder(string(fieldOwner))}
	if err := ours.setUp(mgr); err != nil {
		return err
	}
	return mgr.Start(ctrl.SetupSignalHandler())
}

// stripPod keeps what the status is computed from.
func stripPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	pod.ManagedFields, pod.Annotations = nil, nil
	pod.Spec = corev1.PodSpec{NodeName: pod.Spec.NodeName}
	pod.Status = corev1.PodStatus{Phase: pod.Status.Phase, Conditions: pod.Status.Conditions}
	return pod, nil
}
