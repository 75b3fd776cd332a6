"""What people look at: the catalogue as they read it, drawings, pages."""
