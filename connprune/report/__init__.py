"""What people look at: tables, and later figures, pages and exports."""
