package org.aimjvm.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.ElementwiseKernels.Unary;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.verify.OpCase;
import org.aimjvm.verify.OpCheck;

/** Adds an operation with its gradient, and checks both. */
public final class OwnOperation {
    private OwnOperation() {}

    public static void main(String[] args) {
        List<String> problems = run();
        problems.forEach(System.out::println);
        System.out.println(problems.isEmpty() ? "swiglu: outputs and gradients are right" : "swiglu: wrong");
    }

    /**
     * SwiGLU, {@code y = silu(a) b} with {@code silu(x) = x / (1 + e^-x)} (Shazeer 2020), as one operation.
     *
     * <p>An operation is three things: a check of shapes, the calls of kernels that compute it, and a closure that
     * turns the gradient of its result into those of its inputs. Kernels are the backend's, so it runs on every device
     * at once. (One that has to be faster gets a kernel of its own in each backend; this form then stays what that is
     * compared with.)
     *
     * @param a of any shape. Not modified
     * @param b of the shape of {@code a}. Not modified
     * @return of the shape of {@code a}
     * @throws IllegalArgumentException if the shapes differ
     */
    static Tensor swiglu(Tensor a, Tensor b) {
        Shapes.expect("swiglu", "b", b, a.shape()); // before any work: a kernel checks nothing
        ElementwiseKernels kernels = a.backend().elementwise();
        int n = a.size();

        Tensor y = Tensor.empty(a.backend(), a.shape()); // belongs to the scope that is open
        kernels.unary(Unary.SILU, y.storage(), a.storage(), n);
        kernels.mul(y.storage(), y.storage(), b.storage(), n); // in place: y is still ours alone

        // tape() keeps the closure only if a training scope is open and an input wants a gradient; generating pays
        // nothing. The closure captures inputs alone: silu(a) is computed again, which costs less than the memory to
        // keep it.
        return Autograd.tape(y, dY -> {
            Tensor dA = null; // where an input wants no gradient
            if (a.needsGrad()) { // dA = dY b silu'(a)
                dA = Tensor.empty(a.backend(), a.shape());
                kernels.mul(dA.storage(), dY.storage(), b.storage(), n);
                kernels.unaryBackward(Unary.SILU, dA.storage(), dA.storage(), a.storage(), n);
            }
            Tensor dB = null;
            if (b.needsGrad()) { // dB = dY silu(a); never in place in dY, which another operation may be given too
                dB = Tensor.empty(a.backend(), a.shape());
                kernels.unary(Unary.SILU, dB.storage(), a.storage(), n);
                kernels.mul(dB.storage(), dB.storage(), dY.storage(), n);
            }
            return new Tensor[] {dA, dB};
        }, a, b);
    }

    /**
     * Checks the operation in the way that all of this library are: gradients against finite differences, and the
     * backend that serves here against the scalar one, whose loops define the right answer.
     *
     * @return what is wrong; empty if nothing is
     */
    static List<String> run() {
        Backend scalar = Backends.open("scalar", 1);
        Backend best = Backends.best();
        List<String> problems = new ArrayList<>();
        // Sizes that are awkward for vectors: one, and a prime above any number of lanes.
        for (int n : new int[] {1, 37}) {
            OpCase both = OpCase.of(
                    "swiglu 3x" + n, x -> swiglu(x[0], x[1]), OpCase.in(-4, 4, 3, n), OpCase.x(3, n));
            // An input without a gradient must not cost one, and must not break the other's.
            OpCase one = OpCase.of(
                    "swiglu 3x" + n + ", b constant", x -> swiglu(x[0], x[1]), OpCase.in(-4, 4, 3, n),
                    OpCase.constant(-1, 1, 3, n));
            for (OpCase c : List.of(both, one)) {
                Stream.of(OpCheck.gradients(c, scalar), OpCheck.againstReference(c, best, scalar))
                        .filter(Objects::nonNull).forEach(problems::add);
            }
        }
        return problems;
    }
}
