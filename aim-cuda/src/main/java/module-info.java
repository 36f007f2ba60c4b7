/**
 * The backend for NVIDIA GPUs. It exports nothing: the library finds it by {@link
 * org.aimjvm.backend.BackendProvider}.
 */
module org.aimjvm.cuda {
    requires org.aimjvm.core;
    requires jcublas;
    requires jcuda;

    provides org.aimjvm.backend.BackendProvider with org.aimjvm.cuda.CudaBackendProvider;
}
